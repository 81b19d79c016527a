// copy, deepcopy and pickle, for graphs of any depth.
//
// Pickle and deepcopy recurse into what an object is made of. To keep that flat, a Value is
// reduced to a call of `_restore` whose first argument lists all it depends on, operands first.
// The pickler saves that list item by item, and each item's own operands are then known to it
// already: sharing is kept, within a graph and between graphs, and nothing nests.
#include <memory_resource>
#include <stdexcept>
#include <unordered_map>
#include <vector>

#include "order.hpp"
#include "value.hpp"

namespace megagrad::python {

namespace {

// What a root depends on, in topological order and without the root: iterable, and reduced to a
// list. Its nodes are owned: saving them runs code of the user's, which may change the graph. A
// node is flagged from the moment it is handed out until it is reduced; its operands are then
// known to the pickler.
struct Descendants {
    PyObject_HEAD
    std::vector<Node*>* order;
    std::size_t next;
};

// Saved after a root's descendants, to say that they are all known.
struct EndOfDescendants {
    PyObject_HEAD
    PyObject* descendants;
};

PyTypeObject *descendants_type = nullptr, *end_type = nullptr;

// A node that the pickler knew before was handed out, but is never reduced.
void clear_flags(const Descendants* list) {
    for (Node* node : *list->order) node->clear(listed);
}

// Root and all it depends on, operands first, less what `skip` holds for.
template <class Skip>
bool list_all(Node* root, std::vector<Node*>& order, Skip skip) {
    const OperandsKept while_walking;
    try {
        Traversal walk;
        const bool complete = topological_order(
            root, walk, skip, [](Node*) {}, [] { return PyErr_CheckSignals() == 0; });
        order.swap(walk.order);
        return complete;
    } catch (const std::bad_alloc&) {
        PyErr_NoMemory();
        return false;
    }
}

PyObject* new_descendants(PyObject* root) {
    auto* order = new (std::nothrow) std::vector<Node*>;
    if (order == nullptr) return PyErr_NoMemory();
    if (!list_all(&as_value(root)->node, *order, [](const Node&) { return false; })) {
        delete order;
        return nullptr;
    }
    order->pop_back();  // the root
    auto* list = PyObject_New(Descendants, descendants_type);
    if (list == nullptr) {
        delete order;
        return nullptr;
    }
    for (Node* node : *order) Py_INCREF(object_of(node));
    list->order = order;
    list->next = 0;
    return reinterpret_cast<PyObject*>(list);
}

void descendants_dealloc(PyObject* self) {
    auto* list = reinterpret_cast<Descendants*>(self);
    PyTypeObject* type = Py_TYPE(self);
    clear_flags(list);
    for (Node* node : *list->order) Py_DECREF(object_of(node));
    delete list->order;
    type->tp_free(self);
    Py_DECREF(type);
}

PyObject* descendants_next(PyObject* self) {
    auto* list = reinterpret_cast<Descendants*>(self);
    if (list->next == list->order->size()) return nullptr;
    Node* node = (*list->order)[list->next++];
    node->set(listed);
    return Py_NewRef(object_of(node));
}

PyObject* descendants_reduce(PyObject* self, PyObject*) {
    auto* list = reinterpret_cast<Descendants*>(self);
    list->next = 0;
    return Py_BuildValue("(O()OO)", &PyList_Type, Py_None, self);
}

PyMethodDef descendants_methods[] = {{"__reduce_ex__", descendants_reduce, METH_O, nullptr},
                                     {nullptr, nullptr, 0, nullptr}};

PyObject* new_end(PyObject* descendants) {
    auto* end = PyObject_New(EndOfDescendants, end_type);
    if (end != nullptr) end->descendants = Py_NewRef(descendants);
    return reinterpret_cast<PyObject*>(end);
}

void end_dealloc(PyObject* self) {
    PyTypeObject* type = Py_TYPE(self);
    Py_DECREF(reinterpret_cast<EndOfDescendants*>(self)->descendants);
    type->tp_free(self);
    Py_DECREF(type);
}

PyObject* end_reduce(PyObject* self, PyObject*) {
    PyObject* descendants = reinterpret_cast<EndOfDescendants*>(self)->descendants;
    clear_flags(reinterpret_cast<Descendants*>(descendants));
    return Py_BuildValue("(O())", Py_TYPE(Py_None));
}

PyMethodDef end_methods[] = {{"__reduce_ex__", end_reduce, METH_O, nullptr},
                             {nullptr, nullptr, 0, nullptr}};

PyTypeObject* make_type(const char* name, std::size_t size, PyType_Slot* slots) {
    PyType_Spec spec{name, static_cast<int>(size), 0,
                     Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
    return reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
}

bool has_interior_operand(const Node& node) {
    bool interior = false;
    for_each_operand(
        node, [&](Node* operand) { interior |= !is_leaf(*operand) || operand->has(extended); });
    return interior;
}

PyObject* operand_object(const Node& node, Flag is_node, const Operand& operand) {
    if (node.has(is_node)) return Py_NewRef(object_of(operand.node));
    Owned number(PyFloat_FromDouble(operand.number));
    if (number && is_node == rhs_is_node && node.has(whole_parameter))
        return PyNumber_Long(number.get());
    return number.release();
}

PyObject* partials_object(PyObject* self) { return PyObject_GetAttrString(self, "_local_grads"); }

// The same str object for an op every time, so that pickle stores its name once.
PyObject* op_name(Op op) {
    static PyObject* names[op_infos.size()] = {};
    PyObject*& name = names[static_cast<std::size_t>(op)];
    if (name == nullptr) name = PyUnicode_InternFromString(info(op).name);
    return name;
}

PyObject* attributes_of(PyObject* self) {
    if (keeps_attributes_in_extension(self)) {
        const PyExtension* extension = extension_of(as_value(self));
        return Py_NewRef(extension && extension->dict ? extension->dict : Py_None);
    }
    return PyObject_GetAttrString(self, "__dict__");
}

// (dict, label, op label, closure), with None where there is nothing of the kind; None if there is
// nothing at all.
PyObject* state_of(PyObject* self) {
    const PyExtension* extension = extension_of(as_value(self));
    Owned dict(attributes_of(self));
    if (!dict) return nullptr;
    if (extension == nullptr && dict.get() == Py_None) Py_RETURN_NONE;
    const auto or_none = [](PyObject* object) { return object != nullptr ? object : Py_None; };
    return PyTuple_Pack(4, dict.get(), extension ? or_none(extension->label) : Py_None,
                        extension ? or_none(extension->op_label) : Py_None,
                        extension ? or_none(extension->closure) : Py_None);
}

// A tuple of the descendants and their end.
PyObject* with_descendants(PyObject* root) {
    Owned descendants(new_descendants(root));
    if (!descendants) return nullptr;
    Owned end(new_end(descendants.get()));
    return end ? PyTuple_Pack(2, descendants.get(), end.get()) : nullptr;
}

PyObject* restore_callable() {
    static PyObject* callable = nullptr;
    if (callable == nullptr) {
        Owned module(PyImport_ImportModule("megagrad._core"));
        if (module) callable = PyObject_GetAttrString(module.get(), "_restore");
    }
    return callable;
}

PyObject* reduce(PyObject* self, PyObject*) {
    Node& node = as_value(self)->node;
    const bool alone = node.has(listed) || !has_interior_operand(node);
    node.clear(listed);
    PyObject* callable = restore_callable();
    PyObject* name = op_name(node.op());
    if (callable == nullptr || name == nullptr) return nullptr;
    Owned before(alone ? Py_NewRef(Py_None) : with_descendants(self));
    if (!before) return nullptr;
    Owned state(state_of(self));
    if (!state) return nullptr;
    Owned lhs, rhs;
    if (node.op() == Op::custom) {
        lhs.reset(children_tuple(self));
        rhs.reset(partials_object(self));
    } else {
        lhs.reset(operand_object(node, lhs_is_node, node.lhs));
        rhs.reset(operand_object(node, rhs_is_node, rhs_of(node)));
    }
    if (!lhs || !rhs) return nullptr;
    Owned args(node.op() == Op::leaf ? Py_BuildValue("(OOOdd)", before.get(), Py_TYPE(self), name,
                                                     node.data, node.grad)
                                     : Py_BuildValue("(OOOddOO)", before.get(), Py_TYPE(self), name,
                                                     node.data, node.grad, lhs.get(), rhs.get()));
    if (!args) return nullptr;
    if (state.get() == Py_None) return PyTuple_Pack(2, callable, args.get());
    return PyTuple_Pack(3, callable, args.get(), state.get());
}

bool find_op(PyObject* name, Op& op) {
    for (std::size_t i = 0; i < op_infos.size(); ++i)
        if (PyUnicode_Check(name) &&
            PyUnicode_CompareWithASCIIString(name, op_infos[i].name) == 0) {
            op = static_cast<Op>(i);
            return true;
        }
    PyErr_Format(PyExc_ValueError, "cannot restore a Value made by an unknown op, %R", name);
    return false;
}

bool restore_operand(PyValue* value, Flag is_node, Operand& slot, PyObject* object) {
    if (is_value(object)) {
        slot.node = &as_value(object)->node;
        value->node.set(is_node);
        adopt(value, slot.node);
        return true;
    }
    const int number = to_number(object, slot.number);
    if (number == 0)
        PyErr_SetString(PyExc_TypeError, "an operand to restore must be a Value or a number");
    return number > 0;
}

PyObject* restore(PyObject*, PyObject* args) {
    PyObject *before, *type, *name, *lhs = nullptr, *rhs = nullptr;
    double data, grad;
    if (!PyArg_ParseTuple(args, "OO!Odd|OO:_restore", &before, &PyType_Type, &type, &name, &data,
                          &grad, &lhs, &rhs))
        return nullptr;
    Op op;
    if (!find_op(name, op)) return nullptr;
    auto* cls = reinterpret_cast<PyTypeObject*>(type);
    if (!PyType_IsSubtype(cls, value_type)) {
        PyErr_Format(PyExc_TypeError, "'%.100s' is not a kind of Value", cls->tp_name);
        return nullptr;
    }
    if ((op == Op::leaf) != (lhs == nullptr) || (lhs == nullptr) != (rhs == nullptr)) {
        PyErr_Format(PyExc_ValueError, "wrong number of operands for %R", name);
        return nullptr;
    }
    Owned result(construct(cls, nullptr, nullptr));
    if (!result) return nullptr;
    PyValue* value = as_value(result.get());
    if (op == Op::custom) {
        if (!PyTuple_Check(lhs) || !PyTuple_Check(rhs)) {
            PyErr_SetString(PyExc_TypeError, "a custom op is restored from two tuples");
            return nullptr;
        }
        if (!set_operands(value, lhs, PyTuple_GET_SIZE(rhs) > 0 ? rhs : nullptr)) return nullptr;
    } else if (op != Op::leaf) {
        if (!restore_operand(value, lhs_is_node, value->node.lhs, lhs) ||
            !restore_operand(value, rhs_is_node, value->node.rhs, rhs))
            return nullptr;
        const bool two = has_two_operands(op);
        if ((!two && (!value->node.has(lhs_is_node) || value->node.has(rhs_is_node))) ||
            !value->node.has(lhs_is_node | rhs_is_node)) {
            PyErr_Format(PyExc_ValueError, "wrong operands for %R", name);
            return nullptr;
        }
        if (op == Op::pow && PyLong_Check(rhs)) value->node.set(whole_parameter);
        value->node.set_op(op);
    }
    value->node.data = data;
    value->node.grad = grad;
    return result.release();
}

bool set_dict(PyObject* self, PyObject* dict) {
    if (!keeps_attributes_in_extension(self)) {
        Owned own(PyObject_GetAttrString(self, "__dict__"));
        return own && PyDict_Update(own.get(), dict) == 0;
    }
    // A name may be of a class of the user's, whose hash runs code that changes the dict.
    Owned items(PyDict_Items(dict));
    if (!items) return false;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(items.get()); ++i) {
        PyObject* item = PyList_GET_ITEM(items.get(), i);
        if (!store_attribute(as_value(self), PyTuple_GET_ITEM(item, 0), PyTuple_GET_ITEM(item, 1)))
            return false;
    }
    return true;
}

bool apply_state(PyObject* self, PyObject* dict, PyObject* label, PyObject* op_label,
                 PyObject* closure) {
    if (dict != Py_None && !set_dict(self, dict)) return false;
    const auto set = [self](const char* name, PyObject* object) {
        return object == Py_None || PyObject_SetAttrString(self, name, object) == 0;
    };
    return set("label", label) && set("_op", op_label) && set("_backward", closure);
}

PyObject* set_state(PyObject* self, PyObject* state) {
    PyObject *dict, *label, *op_label, *closure;
    if (!PyTuple_Check(state) ||
        !PyArg_ParseTuple(state, "OOOO", &dict, &label, &op_label, &closure) ||
        (dict != Py_None && !PyDict_Check(dict))) {
        PyErr_Clear();
        PyErr_SetString(PyExc_TypeError, "not the state of a Value");
        return nullptr;
    }
    if (!apply_state(self, dict, label, op_label, closure)) return nullptr;
    Py_RETURN_NONE;
}

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
    } else {
        Operand lhs = from.lhs, rhs = rhs_of(from);
        if (from.has(lhs_is_node)) lhs.node = replace(lhs.node);
        if (from.has(rhs_is_node)) rhs.node = replace(rhs.node);
        to.lhs = lhs;
        rhs_of(to) = rhs;
        to.set(static_cast<unsigned>(from.flags) & (lhs_is_node | rhs_is_node | whole_parameter));
        if (from.has(lhs_is_node)) adopt(copy, lhs.node);
        if (from.has(rhs_is_node)) adopt(copy, rhs.node);
    }
    to.set_op(from.op());
    to.data = from.data;
    to.grad = from.grad;
    return true;
}

PyObject* shallow_copy(PyObject* self, PyObject*) {
    try {
        Owned copy(construct(Py_TYPE(self), nullptr, nullptr));
        if (!copy || !copy_node(as_value(copy.get()), as_value(self), [](Node* n) { return n; }))
            return nullptr;
        Owned state(state_of(self));
        if (!state) return nullptr;
        if (state.get() != Py_None && !Owned(set_state(copy.get(), state.get()))) return nullptr;
        return copy.release();
    } catch (const std::bad_alloc&) {
        return PyErr_NoMemory();
    }
}

// Which copy stands for which original, for one call of copy.deepcopy. It lives in deepcopy's memo
// and owns both. Its memory comes in large blocks, so that all of it can be given back.
struct CopyMap {
    std::pmr::monotonic_buffer_resource memory;
    std::pmr::unordered_map<const Node*, Node*> copies{&memory};

    bool has(const Node& original) const { return copies.count(&original) != 0; }
    Node* of(const Node& original) const { return copies.at(&original); }
    void add(Node* original, Node* copy) {
        copies.emplace(original, copy);
        Py_INCREF(object_of(original));
        Py_INCREF(object_of(copy));
    }
    ~CopyMap() {
        for (const auto& [original, copy] : copies) {
            Py_DECREF(object_of(const_cast<Node*>(original)));
            Py_DECREF(object_of(copy));
        }
    }
};

constexpr const char* copy_map_name = "megagrad.CopyMap";

// A capsule; the memo may be cleared by code of the user's, so whoever uses the map holds it.
Owned copy_map_in(PyObject* memo) {
    static PyObject* key = nullptr;
    if (key == nullptr && (key = PyUnicode_InternFromString(copy_map_name)) == nullptr) return {};
    Owned found(Py_XNewRef(PyDict_GetItemWithError(memo, key)));
    if (!found) {
        if (PyErr_Occurred()) return {};
        auto* map = new CopyMap;
        found.reset(PyCapsule_New(map, copy_map_name, [](PyObject* capsule) {
            delete static_cast<CopyMap*>(PyCapsule_GetPointer(capsule, copy_map_name));
        }));
        if (!found) {
            delete map;
            return {};
        }
        if (PyDict_SetItem(memo, key, found.get()) < 0) return {};
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
    return copied && Owned(set_state(copy, copied.get()));
}

// Copies the nodes in `order`, which come after their operands.
bool copy_nodes(const std::vector<Node*>& order, CopyMap& map, PyObject* memo) {
    std::vector<Node*> with_state;
    for (Node* node : order) {
        PyObject* original = object_of(node);
        Owned copy(construct(Py_TYPE(original), nullptr, nullptr));
        if (!copy || !copy_node(as_value(copy.get()), as_value(original),
                                [&](Node* operand) { return map.of(*operand); }))
            return false;
        if (node->has(tracked)) track(as_value(copy.get()));  // will hold objects too
        map.add(node, &as_value(copy.get())->node);
        if (node->has(extended) || !is_exact_value(original)) with_state.push_back(node);
    }
    // Only now: attributes may lead to any node of the graph.
    for (Node* node : with_state)
        if (!copy_state(object_of(node), object_of(map.of(*node)), memo)) return false;
    return true;
}

PyObject* deep_copy(PyObject* self, PyObject* memo) {
    if (!PyDict_Check(memo))
        return PyErr_Format(PyExc_TypeError, "__deepcopy__() needs a dict, not '%.100s'",
                            Py_TYPE(memo)->tp_name);
    try {
        const Owned capsule = copy_map_in(memo);
        if (!capsule) return nullptr;
        auto* map = static_cast<CopyMap*>(PyCapsule_GetPointer(capsule.get(), copy_map_name));
        Node* root = &as_value(self)->node;
        if (!map->has(*root)) {
            const OperandsKept while_copying;
            std::vector<Node*> order;
            const auto is_copied = [&](const Node& node) { return map->has(node); };
            if (!list_all(root, order, is_copied)) return nullptr;
            map->copies.reserve(map->copies.size() + order.size());
            if (!copy_nodes(order, *map, memo)) return nullptr;
        }
        return Py_NewRef(object_of(map->of(*root)));
    } catch (const std::bad_alloc&) {
        return PyErr_NoMemory();
    } catch (const std::out_of_range&) {  // a finalizer gave a node new operands
        PyErr_SetString(PyExc_RuntimeError, "the graph changed while it was being copied");
        return nullptr;
    }
}

}  // namespace

bool make_pickling_types() {
    PyType_Slot list_slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(descendants_dealloc)},
                                {Py_tp_iter, reinterpret_cast<void*>(PyObject_SelfIter)},
                                {Py_tp_iternext, reinterpret_cast<void*>(descendants_next)},
                                {Py_tp_methods, descendants_methods},
                                {0, nullptr}};
    PyType_Slot end_slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(end_dealloc)},
                               {Py_tp_methods, end_methods},
                               {0, nullptr}};
    descendants_type = make_type("megagrad._core.Descendants", sizeof(Descendants), list_slots);
    end_type = make_type("megagrad._core.EndOfDescendants", sizeof(EndOfDescendants), end_slots);
    return descendants_type != nullptr && end_type != nullptr;
}

PyMethodDef copy_methods[] = {
    {"__copy__", shallow_copy, METH_NOARGS,
     "__copy__($self, /)\n--\n\nA new Value with the same operands."},
    {"__deepcopy__", deep_copy, METH_O,
     "__deepcopy__($self, memo, /)\n--\n\nA copy of the whole graph below this Value."},
    {"__reduce_ex__", reduce, METH_O,
     "__reduce_ex__($self, protocol, /)\n--\n\nFor pickle: works for graphs of any depth."},
    {"__setstate__", set_state, METH_O,
     "__setstate__($self, state, /)\n--\n\nFor pickle: labels, attributes and closure."},
    {nullptr, nullptr, 0, nullptr}};

PyMethodDef restore_function{"_restore", restore, METH_VARARGS,
                             "For pickle: makes one Value from its operands."};

}  // namespace megagrad::python
