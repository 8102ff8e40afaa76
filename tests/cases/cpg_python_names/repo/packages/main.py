import pkg.sub.leaf
import pkg.sub.leaf as leaf
from pkg import api, sub, shared
from pkg.apis import *
from pkg.ns.deep import down
import json
pkg.api()
pkg.sub.leaf.fall()
leaf.fall()
api()
sub.leaf.fall()
shared()
public()
down()
pkg.Thing().act()
json.dumps(1)
