"""What a module of this collection imports."""


def greeting(name):
    return "hello, " + name
