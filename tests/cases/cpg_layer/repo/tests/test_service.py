from unittest import TestCase

from app.models import Round
from app.service import Service


class ServiceTest(TestCase):
    def test_run(self):
        Service().run(Round(2))


def test_area():
    assert Round().area() > 1
