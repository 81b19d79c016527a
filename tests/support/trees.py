"""What can be seen of graphs: as trees, as lists, their nodes and their gradients."""

from itertools import count

from megagrad.engine import Value


def tree(node):
    """Everything that can be seen of a graph, with shared nodes told apart from equal ones."""
    numbering, seen = count(), {}

    def look(value):
        if value in seen:
            return seen[value]
        seen[value] = next(numbering)
        return (
            value._op,
            value.data,
            value.grad,
            value._local_grads,
            tuple(look(child) for child in value._children),
        )

    return look(node)


def flattened(looked):
    """All numbers of a tree, in its order."""
    if isinstance(looked, int):
        return []
    _, data, grad, partials, children = looked
    return [data, grad, *partials, *(number for child in children for number in flattened(child))]


def shape(looked):
    """A tree without its numbers."""
    return looked if isinstance(looked, int) else (looked[0], tuple(map(shape, looked[4])))


def grads(*operands):
    return [value.grad for value in operands if isinstance(value, Value)]


def everything(root):
    """The graph below root as a list without identities, in a fixed order."""
    index, rows, stack = {}, [], [root]
    while stack:
        node = stack.pop()
        if node in index:
            continue
        index[node] = len(index)
        children = node._children
        rows.append((node, children))
        stack.extend(children)
    return [
        (type(n), n.data, n.grad, n._op, n.label, vars(n), n._local_grads, [index[c] for c in kids])
        for n, kids in rows
    ]


def nodes_below(root):
    seen, stack = set(), [root]
    while stack:
        node = stack.pop()
        if node not in seen:
            seen.add(node)
            stack.extend(node._children)
    return seen
