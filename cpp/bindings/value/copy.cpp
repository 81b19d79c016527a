// copy.copy and copy.deepcopy, for graphs of any depth.
#include <bit>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#include "bindings/value/recording.hpp"
#include "bindings/value/value.hpp"
#include "bindings/value/walk.hpp"
#include "platform/array.hpp"

namespace megagrad::python {

namespace {

// Makes `copy` what `original` is, with each operand replaced by replace(operand). If that throws,
// `copy` is still a leaf.
template <class Replace>
bool copy_node(PyValue* copy, const PyValue* original, Replace replace) {
    const Node& from = original->node;
    Node& to = copy->node;
    if (from.op() == Op::custom) {
        PyExtension* extension = ensure_extension(copy);
        if (extension == nullptr) return false;
        const PyExtension* source = extension_of(original);
        std::vector<Node*> operands;
        for (Node* operand : source->operands) operands.push_back(replace(operand));
        extension->partials = source->partials;
        extension->operands.swap(operands);
        for (Node* operand : extension->operands) adopt(copy, operand);
        become_custom(copy);
    } else {
        Operand lhs = from.lhs, rhs = rhs_of(from);
        if (from.has(lhs_is_node)) lhs.node = replace(lhs.node);
        if (from.has(rhs_is_node)) rhs.node = replace(rhs.node);
        to.lhs = lhs;
        rhs_of(to) = rhs;
        to.set(static_cast<unsigned>(from.flags) & (lhs_is_node | rhs_is_node | whole_parameter));
        if (from.has(lhs_is_node)) adopt(copy, lhs.node);
        if (from.has(rhs_is_node)) adopt(copy, rhs.node);
        to.set_op(from.op());
    }
    to.data = from.data;
    to.grad = from.grad;
    return true;
}

PyObject* shallow_copy(PyObject* self, PyObject*) {
    if (!may_be_read(self, "a copy")) return nullptr;
    try {
        if (!unfold_if_bulk(as_value(self))) return nullptr;
        Owned copy(construct(Py_TYPE(self), nullptr, nullptr));
        if (!copy || !copy_node(as_value(copy.get()), as_value(self), [](Node* n) { return n; }))
            return nullptr;
        Owned state(state_of(self));
        if (!state) return nullptr;
        if (state.get() != Py_None && !apply_state(copy.get(), state.get())) return nullptr;
        return copy.release();
    } catch (const std::bad_alloc&) {
        return PyErr_NoMemory();
    }
}

// Which copy stands for which original, for one call of copy.deepcopy. It lives in deepcopy's memo
// and owns both. It is one table, so that all of its memory can be given back, at most three
// quarters full. Nodes that are neighbours in memory are neighbours in it, as long as their places
// are free.
class CopyMap {
public:
    // Null if there is none.
    Node* find(const Node& original) { return count_ == 0 ? nullptr : place_of(&original).copy; }
    Node* of(const Node& original) {
        Node* const copy = find(original);
        if (copy == nullptr) throw std::out_of_range("no copy of that node");
        return copy;
    }

    // The first copy counts: a __deepcopy__ of the user's may have made one meanwhile.
    void add(Node* original, Node* copy) {
        reserve(1);
        Pair& place = place_of(original);
        if (place.original != nullptr) return;
        Py_INCREF(object_of(original));
        Py_INCREF(object_of(copy));
        place = {original, copy};
        ++count_;
    }

    // For that many more; may throw std::bad_alloc.
    void reserve(std::size_t more) {
        const std::size_t needed = (count_ + more) / 3 * 4 + 4;
        if (needed <= pairs_.size()) return;
        Array<Pair> earlier(std::bit_ceil(needed), Pair{});
        earlier.swap(pairs_);
        for (const Pair& pair : earlier)
            if (pair.original != nullptr) place_of(pair.original) = pair;
    }

    // Which may run any code, and that may use the map.
    void clear() {
        const Array<Pair> old = std::exchange(pairs_, {});
        count_ = 0;
        for (const Pair& pair : old) {
            if (pair.original == nullptr) continue;
            Py_DECREF(object_of(pair.original));
            Py_DECREF(object_of(pair.copy));
        }
    }

    int traverse(visitproc visit, void* arg) const {
        for (const Pair& pair : pairs_) {
            if (pair.original == nullptr) continue;
            Py_VISIT(object_of(pair.original));
            Py_VISIT(object_of(pair.copy));
        }
        return 0;
    }

private:
    struct Pair {
        Node* original = nullptr;
        Node* copy = nullptr;
    };

    // Where the original is, or would be. The size is a power of two, so an odd step reaches all.
    Pair& place_of(const Node* original) {
        const std::size_t number = reinterpret_cast<std::uintptr_t>(original) / sizeof(PyValue);
        const std::size_t step = (number * 0x9e3779b97f4a7c15ULL >> 32) | 1;
        for (std::size_t at = number;; at += step) {
            Pair& pair = pairs_[at & (pairs_.size() - 1)];
            if (pair.original == original || pair.original == nullptr) return pair;
        }
    }

    Array<Pair> pairs_;
    std::size_t count_ = 0;
};

// The map as an object that the collector sees through: an attribute may lead back to the memo.
struct PyCopyMap {
    PyObject_HEAD
    CopyMap* map;
};

PyTypeObject* copy_map_type = nullptr;

CopyMap& map_in(PyObject* object) { return *reinterpret_cast<PyCopyMap*>(object)->map; }

int traverse_map(PyObject* self, visitproc visit, void* arg) {
    Py_VISIT(Py_TYPE(self));
    return map_in(self).traverse(visit, arg);
}

int clear_map(PyObject* self) {
    map_in(self).clear();
    return 0;
}

void deallocate_map(PyObject* self) {
    PyObject_GC_UnTrack(self);
    clear_map(self);
    delete &map_in(self);
    PyTypeObject* type = Py_TYPE(self);
    PyObject_GC_Del(self);
    Py_DECREF(type);
}

Owned new_copy_map() {
    auto map = std::make_unique<CopyMap>();
    auto* object = PyObject_GC_New(PyCopyMap, copy_map_type);
    if (object == nullptr) return nullptr;
    object->map = map.release();
    PyObject_GC_Track(object);
    return Owned(reinterpret_cast<PyObject*>(object));
}

constexpr const char* copy_map_name = "megagrad.CopyMap";

// The memo may be cleared by code of the user's, so whoever uses the map holds it.
Owned copy_map_in(PyObject* memo) {
    static PyObject* key = nullptr;
    if (key == nullptr && (key = PyUnicode_InternFromString(copy_map_name)) == nullptr) return {};
    Owned found(dict_item(memo, key));
    if (!found) {
        if (PyErr_Occurred()) return {};
        found = new_copy_map();
        if (!found || PyDict_SetItem(memo, key, found.get()) < 0) return {};
    }
    return found;
}

bool copy_state(PyObject* original, PyObject* copy, PyObject* memo) {
    Owned state(state_of(original));
    if (!state) return false;
    if (state.get() == Py_None) return true;
    Owned module(PyImport_ImportModule("copy"));
    if (!module) return false;
    Owned copied(PyObject_CallMethod(module.get(), "deepcopy", "OO", state.get(), memo));
    return copied && apply_state(copy, copied.get());
}

// A copy that is not ours to make: what the memo has for the original, or the original's own class
// makes. Null if there is none, or with an exception set.
Owned copy_of_others(PyObject* original, PyObject* memo) {
    if (PyDict_GET_SIZE(memo) > 1) {  // more than our own map
        const Owned id(PyLong_FromVoidPtr(original));
        if (!id) return nullptr;
        Owned found(dict_item(memo, id.get()));
        if (found && is_value(found.get())) return found;
        if (PyErr_Occurred()) return nullptr;
    }
    if (!overrides(Py_TYPE(original), value_type, method_names.deepcopy)) return nullptr;
    Owned copy(PyObject_CallMethod(original, "__deepcopy__", "O", memo));
    if (copy && !is_value(copy.get())) {
        PyErr_Format(PyExc_TypeError,
                     "__deepcopy__() of an operand must return a Value, not '%.100s'",
                     Py_TYPE(copy.get())->tp_name);
        return nullptr;
    }
    return copy;
}

// An operand that is not among those listed: a leaf that was a plain number when they were. Null if
// there is none of the kind.
Node* new_leaf_of(const Node& node, CopyMap& map) {
    Node* found = nullptr;
    for_each_operand(node, [&](Node* operand) {
        if (is_leaf(*operand) && map.find(*operand) == nullptr) found = operand;
    });
    return found;
}

// With its attributes still to come.
bool copy_one(Node* node, CopyMap& map, std::vector<Node*>& with_state) {
    const Owned original(Py_NewRef(object_of(node)));
    Owned copy(construct(Py_TYPE(original.get()), nullptr, nullptr));
    if (!copy) return false;
    const auto make = [&] {
        return copy_node(as_value(copy.get()), as_value(original.get()),
                         [&](Node* operand) { return map.of(*operand); });
    };
    try {
        if (!make()) return false;
    } catch (const std::out_of_range&) {  // someone may have looked at the graph meanwhile
        while (Node* leaf = new_leaf_of(*node, map))
            if (!copy_one(leaf, map, with_state)) return false;
        if (!make()) return false;
    }
    if (node->has(tracked)) track(as_value(copy.get()));  // will hold objects too
    map.add(node, &as_value(copy.get())->node);
    if (node->has(extended) || !is_exact_value(original.get())) with_state.push_back(node);
    return true;
}

// Copies the nodes in `order`, which come after their operands.
bool copy_nodes(const Array<Node*>& order, CopyMap& map, PyObject* memo) {
    std::vector<Node*> with_state;
    std::size_t until_poll = poll_interval;
    for (Node* node : order) {
        if (--until_poll == 0) {
            if (PyErr_CheckSignals() != 0) return false;
            until_poll = poll_interval;
        }
        PyObject* original = object_of(node);
        if (node != order.back()) {  // the root is what our own __deepcopy__ was called for
            const Owned given = copy_of_others(original, memo);
            if (PyErr_Occurred()) return false;
            if (given) {
                map.add(node, &as_value(given.get())->node);
                continue;
            }
        }
        if (!copy_one(node, map, with_state)) return false;
    }
    // Only now: attributes may lead to any node of the graph.
    for (Node* node : with_state)
        if (!copy_state(object_of(node), object_of(map.of(*node)), memo)) return false;
    return true;
}

PyObject* deep_copy(PyObject* self, PyObject* memo) {
    if (!may_be_read(self, "a copy")) return nullptr;
    if (!PyDict_Check(memo))
        return PyErr_Format(PyExc_TypeError, "__deepcopy__() needs a dict, not '%.100s'",
                            Py_TYPE(memo)->tp_name);
    try {
        const Owned held = copy_map_in(memo);
        if (!held) return nullptr;
        if (Py_TYPE(held.get()) != copy_map_type)
            return PyErr_Format(
                PyExc_TypeError,
                "the memo of __deepcopy__() has a '%.100s' where megagrad's copies are",
                Py_TYPE(held.get())->tp_name);
        CopyMap* const map = &map_in(held.get());
        Node* root = &as_value(self)->node;
        if (map->find(*root) == nullptr) {
            Array<Node*> order;
            const auto is_copied = [&](const Node& node) { return map->find(node) != nullptr; };
            if (!list_all(root, order, is_copied)) return nullptr;
            const Held while_copying(order);
            map->reserve(order.size());
            if (!copy_nodes(order, *map, memo)) return nullptr;
        }
        return Py_NewRef(object_of(map->of(*root)));
    } catch (const std::bad_alloc&) {
        return PyErr_NoMemory();
    } catch (const std::out_of_range&) {  // an operand that is not among those listed before
        PyErr_SetString(PyExc_ValueError,
                        "cannot copy a graph that contains itself, or that changes meanwhile");
        return nullptr;
    }
}

}  // namespace

bool make_copy_map_type() {
    PyType_Slot slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(deallocation<deallocate_map>)},
                           {Py_tp_traverse, reinterpret_cast<void*>(traverse_map)},
                           {Py_tp_clear, reinterpret_cast<void*>(locked<clear_map>)},
                           {0, nullptr}};
    PyType_Spec spec{"megagrad._core.CopyMap", sizeof(PyCopyMap), 0,
                     Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                     slots};
    copy_map_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
    return copy_map_type != nullptr;
}

PyMethodDef copy_methods[] = {
    {"__copy__", locked<shallow_copy>, METH_NOARGS,
     "__copy__($self, /)\n--\n\nA new Value with the same operands."},
    {"__deepcopy__", locked<deep_copy>, METH_O,
     "__deepcopy__($self, memo, /)\n--\n\nA copy of the whole graph below this Value."},
    {nullptr, nullptr, 0, nullptr}};

}  // namespace megagrad::python
