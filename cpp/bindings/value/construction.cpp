// Value(...): from Python's arguments to a leaf or a node of the user's own.
#include <algorithm>

#include "bindings/value/value.hpp"

namespace megagrad::python {

namespace {

struct Arguments {
    PyObject *data = nullptr, *children = nullptr, *third = nullptr, *label = nullptr;
};

bool parse(PyObject* args, PyObject* kwargs, Arguments& out) {
    static const char* const names[] = {"data",     "_children", "_op",         "label",
                                        "children", "op",        "local_grads", nullptr};
    PyObject *children = nullptr, *op = nullptr, *partials = nullptr;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|OOO$OOO:Value", const_cast<char**>(names),
                                     &out.data, &out.children, &out.third, &out.label, &children,
                                     &op, &partials))
        return false;
    if (out.children != nullptr && children != nullptr) {
        PyErr_SetString(PyExc_TypeError, "Value() got both _children and children");
        return false;
    }
    if ((out.third != nullptr) + (op != nullptr) + (partials != nullptr) > 1) {
        PyErr_SetString(PyExc_TypeError, "Value() takes one of _op, op and local_grads");
        return false;
    }
    if (children != nullptr) out.children = children;
    if (op != nullptr) out.third = op;
    if (partials != nullptr) out.third = partials;
    return true;
}

Owned as_tuple(PyObject* iterable, const char* what) {
    if (!is_value(iterable) &&
        (Py_TYPE(iterable)->tp_iter != nullptr || PySequence_Check(iterable)))
        return tuple_of_items(iterable);
    PyErr_Format(PyExc_TypeError, "%s must be a sequence, not '%.100s'", what,
                 Py_TYPE(iterable)->tp_name);
    return nullptr;
}

// What the arguments are, once they have been looked at: tuples, and null where there is nothing.
struct Checked {
    double data = 0;
    Owned children, partials;
    PyObject *op_label = nullptr, *label = nullptr;

    bool has_operands() const { return has_items(children) || has_items(partials); }

private:
    static bool has_items(const Owned& tuple) { return tuple && PyTuple_GET_SIZE(tuple.get()) > 0; }
};

bool check(const Arguments& arguments, Checked& out) {
    if (!number_or_type_error(arguments.data, "Value() data", out.data)) return false;
    if (arguments.label != nullptr && !PyUnicode_Check(arguments.label)) {
        PyErr_Format(PyExc_TypeError, "Value() label must be a str, not '%.100s'",
                     Py_TYPE(arguments.label)->tp_name);
        return false;
    }
    out.label = arguments.label;
    if (arguments.children != nullptr &&
        !(out.children = as_tuple(arguments.children, "_children")))
        return false;
    if (arguments.third == nullptr) return true;
    if (!PyUnicode_Check(arguments.third))
        return (out.partials = as_tuple(arguments.third, "local_grads (or _op, a str)")) != nullptr;
    if (PyUnicode_GET_LENGTH(arguments.third) > 0) out.op_label = arguments.third;
    return true;
}

bool fill(PyValue* value, const Checked& arguments) {
    const bool drops = arguments.has_operands() && drops_operands();
    if (arguments.has_operands() &&
        !set_operands(value, arguments.children.get(), arguments.partials.get()))
        return false;
    if (!arguments.has_operands() || drops) reset_to_leaf(value);
    value->node.data = arguments.data;
    value->node.grad = 0;
    ++data_writes;
    if (arguments.op_label != nullptr && !drops &&
        !set_object(value, &PyExtension::op_label, arguments.op_label))
        return false;
    if (arguments.label != nullptr) return set_object(value, &PyExtension::label, arguments.label);
    if (PyExtension* extension = extension_of(value)) Py_CLEAR(extension->label);
    return true;
}

// The nodes of a tuple of Values; false with TypeError set. May throw std::bad_alloc.
bool nodes_of(PyObject* children, std::vector<Node*>& nodes) {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(children); ++i) {
        PyObject* child = PyTuple_GET_ITEM(children, i);
        if (!is_value(child)) {
            PyErr_Format(PyExc_TypeError, "_children must be Values, not '%.100s'",
                         Py_TYPE(child)->tp_name);
            return false;
        }
        nodes.push_back(&as_value(child)->node);
    }
    return true;
}

bool numbers_of(PyObject* partials, std::vector<double>& numbers) {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(partials); ++i) {
        double partial = 0;
        if (!number_or_type_error(PyTuple_GET_ITEM(partials, i), "a local gradient", partial))
            return false;
        numbers.push_back(partial);
    }
    return true;
}

}  // namespace

bool set_operands(PyValue* value, PyObject* children, PyObject* partials) {
    const Py_ssize_t count = children != nullptr ? PyTuple_GET_SIZE(children) : 0;
    if (partials != nullptr && PyTuple_GET_SIZE(partials) != count) {
        PyErr_Format(PyExc_ValueError, "Value() got %zd local gradients for %zd children",
                     PyTuple_GET_SIZE(partials), count);
        return false;
    }
    try {
        std::vector<Node*> new_operands;
        std::vector<double> new_partials;
        if (children != nullptr && !nodes_of(children, new_operands)) return false;
        if (partials != nullptr && !numbers_of(partials, new_partials)) return false;
        PyExtension* extension = ensure_extension(value);
        if (extension == nullptr) return false;
        // It may be its own descendant now, and that of what uses it.
        const bool is_own_child =
            std::find(new_operands.begin(), new_operands.end(), &value->node) != new_operands.end();
        if (value->node.has(consumed) || is_own_child) track_users(value);
        for (Node* operand : new_operands) adopt(value, operand);
        const Origin dropped(value);
        extension->operands.swap(new_operands);
        extension->partials.swap(new_partials);
        value->node.set_op(Op::custom);
        return true;
    } catch (const std::bad_alloc&) {
        PyErr_NoMemory();
        return false;
    }
}

PyObject* construct(PyTypeObject* type, PyObject*, PyObject*) {
    if (type->tp_flags & Py_TPFLAGS_IS_ABSTRACT) {  // object's own says which methods are missing
        const Owned no_arguments(PyTuple_New(0));
        return no_arguments ? PyBaseObject_Type.tp_new(type, no_arguments.get(), nullptr) : nullptr;
    }
    PyObject* self = type->tp_alloc(type, 0);
    if (self != nullptr && type != value_type) as_value(self)->node.set(tracked);
    return self;
}

int initialize(PyObject* self, PyObject* args, PyObject* kwargs) {
    Arguments arguments;
    Checked checked;
    const bool is_done = parse(args, kwargs, arguments) && check(arguments, checked) &&
                         fill(as_value(self), checked);
    return is_done ? 0 : -1;
}

PyObject* vectorcall(PyObject* type, PyObject* const* args, std::size_t nargsf, PyObject* names) {
    const Py_ssize_t count = PyVectorcall_NARGS(nargsf);
    const bool patched = value_type->tp_init != initialize || value_type->tp_new != construct;
    if (count == 1 && names == nullptr && !patched) {
        double data = 0;
        return number_or_type_error(args[0], "Value() data", data) ? new_leaf(data) : nullptr;
    }
    Owned tuple(PyTuple_New(count)), keywords;
    if (!tuple) return nullptr;
    for (Py_ssize_t i = 0; i < count; ++i) PyTuple_SET_ITEM(tuple.get(), i, Py_NewRef(args[i]));
    if (names != nullptr) {
        keywords.reset(PyDict_New());
        if (!keywords) return nullptr;
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(names); ++i)
            if (PyDict_SetItem(keywords.get(), PyTuple_GET_ITEM(names, i), args[count + i]) < 0)
                return nullptr;
    }
    return PyType_Type.tp_call(type, tuple.get(), keywords.get());
}

}  // namespace megagrad::python
