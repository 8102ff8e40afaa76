"""An application."""
from .models import *
