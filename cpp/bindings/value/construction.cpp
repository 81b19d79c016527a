// Value(...): from Python's arguments to a leaf or a node of the user's own.
#include <algorithm>
#include <initializer_list>
#include <iterator>
#include <utility>

#include "bindings/value/value.hpp"

namespace megagrad::python {

namespace {

constexpr const char* argument_names[] = {"data",     "_children", "_op",         "label",
                                          "children", "op",        "local_grads", "_prev",
                                          "name",     "grad",      nullptr};

// Where an argument of that name was not expected, says what is.
void name_the_right_ones(PyObject* kwargs) {
    const Owned names(kwargs != nullptr ? PyDict_Keys(kwargs) : nullptr);
    for (Py_ssize_t i = 0; names && i < PyList_GET_SIZE(names.get()); ++i) {
        PyObject* name = PyList_GET_ITEM(names.get(), i);
        const auto is_it = [name](const char* known) {
            return known == nullptr || PyUnicode_CompareWithASCIIString(name, known) == 0;
        };
        if (!PyUnicode_Check(name)) return;
        if (*std::find_if(std::begin(argument_names), std::end(argument_names), is_it) != nullptr)
            continue;
        PyErr_Format(PyExc_TypeError,
                     "Value() has no argument '%U'; it takes data, _children (or _prev), _op, "
                     "label (or name), local_grads and grad",
                     name);
        return;
    }
}

// Of several names of one argument, what was given under one of them. None means that none was.
MEGAGRAD_INLINE bool take_one(PyObject*& chosen,
                              std::initializer_list<std::pair<const char*, PyObject*>> given) {
    const char* taken = nullptr;
    for (const auto& [name, object] : given) {
        if (object == nullptr || object == Py_None) continue;
        if (taken != nullptr) {
            PyErr_Format(PyExc_TypeError, "Value() got both %s and %s", taken, name);
            return false;
        }
        chosen = object;
        taken = name;
    }
    return true;
}

bool parse(PyObject* args, PyObject* kwargs, Arguments& out) {
    PyObject *_children = nullptr, *_op = nullptr, *label = nullptr, *children = nullptr,
             *op = nullptr, *local_grads = nullptr, *_prev = nullptr, *name = nullptr;
    if (!PyArg_ParseTupleAndKeywords(
            args, kwargs, "O|OOO$OOOOOO:Value", const_cast<char**>(argument_names), &out.data,
            &_children, &_op, &label, &children, &op, &local_grads, &_prev, &name, &out.grad)) {
        name_the_right_ones(kwargs);
        return false;
    }
    PyObject* third = nullptr;
    if (!take_one(third, {{"_op", _op}, {"op", op}})) return false;
    const bool is_label = third == nullptr || PyUnicode_Check(third);
    if (is_label) out.op = third;
    return take_one(out.partials, {{"local gradients as _op", is_label ? nullptr : third},
                                   {"local_grads", local_grads}}) &&
           take_one(out.children,
                    {{"_children", _children}, {"children", children}, {"_prev", _prev}}) &&
           take_one(out.label, {{"label", label}, {"name", name}});
}

Owned as_tuple(PyObject* iterable, const char* what) {
    if (!is_value(iterable) &&
        (Py_TYPE(iterable)->tp_iter != nullptr || PySequence_Check(iterable)))
        return tuple_of_items(iterable);
    PyErr_Format(PyExc_TypeError, "%s must be a sequence, not '%.100s'", what,
                 Py_TYPE(iterable)->tp_name);
    return nullptr;
}

bool is_str(PyObject* object, const char* what) {
    if (PyUnicode_Check(object)) return true;
    PyErr_Format(PyExc_TypeError, "Value() %s must be a str, not '%.100s'", what,
                 Py_TYPE(object)->tp_name);
    return false;
}

// What the arguments are, once they have been looked at: tuples, and null where there is nothing.
struct Checked {
    double data = 0, grad = 0;
    Owned children, partials;
    PyObject *op_label = nullptr, *label = nullptr;

    bool has_operands() const { return has_items(children) || has_items(partials); }

private:
    static bool has_items(const Owned& tuple) { return tuple && PyTuple_GET_SIZE(tuple.get()) > 0; }
};

bool check(const Arguments& arguments, Checked& out) {
    const auto& [data, children, op, partials, label, grad] = arguments;
    if (!number_or_type_error(data, "Value() data", out.data)) return false;
    if (grad != nullptr && grad != Py_None && !number_or_type_error(grad, "Value() grad", out.grad))
        return false;
    if (label != nullptr && !is_str(label, "label")) return false;
    out.label = label;
    if (op != nullptr && !is_str(op, "_op")) return false;
    if (op != nullptr && PyUnicode_GET_LENGTH(op) > 0) out.op_label = op;
    return (children == nullptr || (out.children = as_tuple(children, "_children"))) &&
           (partials == nullptr ||
            (out.partials = as_tuple(partials, "local_grads (or _op, a str)")));
}

bool fill(PyValue* value, const Checked& arguments) {
    const bool drops = arguments.has_operands() && drops_operands();
    if (arguments.has_operands() &&
        !set_operands(value, arguments.children.get(), arguments.partials.get()))
        return false;
    if (!arguments.has_operands() || drops) reset_to_leaf(value);
    value->node.data = arguments.data;
    value->node.grad = arguments.grad;
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

void become_custom(PyValue* value) {
    value->node.set_op(Op::custom);
    const PyExtension* extension = extension_of(value);
    if (extension->partials.empty() && !extension->operands.empty()) value->node.set(has_closure);
}

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
        become_custom(value);
        return true;
    } catch (const std::bad_alloc&) {
        PyErr_NoMemory();
        return false;
    }
}

bool make_anew(PyValue* value, const Arguments& arguments) {
    Checked checked;
    return check(arguments, checked) && fill(value, checked);
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
    return parse(args, kwargs, arguments) && make_anew(as_value(self), arguments) ? 0 : -1;
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
