"""What tests call in other processes, which find it by importing this module."""


class Unpicklable(Exception):
    def __init__(self, one, two):
        super().__init__(one)
        self.two = two


def raising(error, *arguments):
    raise error(*arguments)


def iter_of(count):
    return (i for i in range(count))


def raising_a_local():
    class Local(Exception):
        pass

    raise Local("of its own")
