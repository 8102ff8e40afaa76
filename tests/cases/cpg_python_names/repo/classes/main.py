from base import Base, Mixin
import base

class Plain:
    def run(self): return self.step()
    def step(self): return 0
class Child(Mixin, Base):
    def __init__(self, part: 'Plain'):
        super().__init__()
        self.part = part
        self.own = Plain()
        self._hidden = base.Base
    def step(self): return super().step()
    def save(self): return super().save()
    def parts(self):
        self.own.run()
        self.part.run()
        return self._hidden()
    @classmethod
    def make(klass): return klass(Plain())
    @staticmethod
    def helper(self): return self.step()
    @property
    def first(this) -> Plain: return this.own
    def __call__(self): return self.save()
child = Child.make()
child.step()
child.parts()
child.save()
child.first.run()
child()
Child.helper(Plain())
class Diamond(Child):
    render = Plain.step
    def go(self): return self.render()
Diamond(Plain()).go()
with base.Scope() as scope:
    scope.used()
def build() -> Child: return Child.make()
build().save()
def build_plain(): return Plain()
build_plain().run()
class Secret:
    def __mine(self): return 1
    def call(self): return self.__mine()
class Other(Secret):
    def __mine(self): return 2
    def again(self): return self.__mine()
Other().call(); Other().again()
