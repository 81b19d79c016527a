"""Copies of nested lists and dicts in which one entry is another or is gone."""

import copy


def without(mapping, *path):
    changed = copy.deepcopy(mapping)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]
    return changed


def with_(mapping, value, *path):
    changed = copy.deepcopy(mapping)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return changed
