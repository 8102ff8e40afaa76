from pkg.shapes import Circle, scaled


def total(shapes):
    def one(shape):
        return shape.area()

    return sum(one(shape) for shape in shapes)


def main():
    circles = [Circle(1), Circle(radius=2)]
    print(total(circles), scaled(3), missing(4))


main()
