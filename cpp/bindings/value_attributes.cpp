// Construction and attributes: what a Value shows of its node, and what users may hang on it.

#include <algorithm>

#include "backward.hpp"
#include "value.hpp"

namespace megagrad::python {

namespace {

PyObject *data_name = nullptr, *grad_name = nullptr;

// Takes whatever has a __float__, such as an array of no dimensions, but not a Value: that would
// silently lose its gradient.
bool number_or_type_error(PyObject* object, const char* what, double& number) {
    const int real = to_number(object, number);
    if (real != 0) return real > 0;
    const PyNumberMethods* slots = Py_TYPE(object)->tp_as_number;
    if (is_value(object) || slots == nullptr || slots->nb_float == nullptr) {
        PyErr_Format(PyExc_TypeError, "%s must be a real number, not '%.100s'%s", what,
                     Py_TYPE(object)->tp_name, is_value(object) ? "; use its .data" : "");
        return false;
    }
    number = PyFloat_AsDouble(object);
    return number != -1.0 || !PyErr_Occurred();
}

bool cannot_delete(PyObject* value, const char* what) {
    if (value != nullptr) return false;
    PyErr_Format(PyExc_AttributeError, "%s of a Value cannot be deleted", what);
    return true;
}

// --- construction ----------------------------------------------------------------------------

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
    Owned tuple(PySequence_Tuple(iterable));
    if (!tuple && PyErr_ExceptionMatches(PyExc_TypeError))
        PyErr_Format(PyExc_TypeError, "%s must be a sequence, not '%.100s'", what,
                     Py_TYPE(iterable)->tp_name);
    return tuple;
}

int fill(PyValue* value, const Arguments& arguments) {
    double data = 0;
    if (!number_or_type_error(arguments.data, "Value() data", data)) return -1;
    if (arguments.label != nullptr && !PyUnicode_Check(arguments.label)) {
        PyErr_Format(PyExc_TypeError, "Value() label must be a str, not '%.100s'",
                     Py_TYPE(arguments.label)->tp_name);
        return -1;
    }
    Owned children, partials;
    if (arguments.children != nullptr && !(children = as_tuple(arguments.children, "_children")))
        return -1;
    PyObject* op_label = nullptr;
    if (arguments.third != nullptr) {
        if (PyUnicode_Check(arguments.third)) {
            op_label = arguments.third;
        } else if (!(partials = as_tuple(arguments.third, "local_grads (or _op, a str)"))) {
            return -1;
        }
    }
    const bool custom = (children && PyTuple_GET_SIZE(children.get()) > 0) ||
                        (partials && PyTuple_GET_SIZE(partials.get()) > 0);
    if (custom) {
        if (!set_operands(value, children.get(), partials.get())) return -1;
    } else {
        reset_to_leaf(value);
    }
    value->node.data = data;
    value->node.grad = 0;
    if (op_label != nullptr && PyUnicode_GET_LENGTH(op_label) > 0 &&
        !set_object(value, &PyExtension::op_label, op_label))
        return -1;
    if (arguments.label != nullptr && !set_object(value, &PyExtension::label, arguments.label))
        return -1;
    return 0;
}

// --- getters and setters ---------------------------------------------------------------------

PyObject* get_data(PyObject* self, void*) { return PyFloat_FromDouble(as_value(self)->node.data); }
PyObject* get_grad(PyObject* self, void*) { return PyFloat_FromDouble(as_value(self)->node.grad); }

int set_number(PyObject* object, double& field, const char* what) {
    double number = 0;
    if (cannot_delete(object, what) || !number_or_type_error(object, what, number)) return -1;
    field = number;
    return 0;
}
int set_data(PyObject* self, PyObject* object, void*) {
    return set_number(object, as_value(self)->node.data, "data");
}
int set_grad(PyObject* self, PyObject* object, void*) {
    return set_number(object, as_value(self)->node.grad, "grad");
}

// --- children --------------------------------------------------------------------------------

// micrograd's exponent is part of the op, not a child.
std::size_t child_count(const Node& node) {
    if (node.op() == Op::leaf) return 0;
    if (node.op() == Op::custom) return node.rhs.extension->operands.size();
    return has_two_operands(node.op()) && (node.op() != Op::pow || node.has(rhs_is_node)) ? 2 : 1;
}

bool is_plain_number(const Node& node, Flag side) {
    if (node.op() == Op::leaf || node.op() == Op::custom || node.has(side)) return false;
    return side == lhs_is_node || child_count(node) == 2;
}

// Turns a plain number on that side into a leaf, in place, with the gradient that it would have
// got: it has only had this one user.
bool materialize(PyValue* value, Flag side) {
    if (!is_plain_number(value->node, side)) return true;
    Owned leaf(new_leaf(0));
    if (!leaf) return false;
    Node& node = value->node;
    if (!is_plain_number(node, side)) return true;
    const double partial = side == lhs_is_node ? partial_by_lhs(node) : partial_by_rhs(node);
    Operand& operand = side == lhs_is_node ? node.lhs : rhs_of(node);
    Node& number = as_value(leaf.release())->node;
    number.data = operand.number;
    number.grad = node.grad == 0 ? 0.0 : partial * node.grad;
    number.set(consumed);
    operand.node = &number;
    node.set(side);
    return true;
}

PyObject* get_children(PyObject* self, void*) { return children_tuple(self); }

PyObject* get_prev(PyObject* self, void*) {
    Owned children(children_tuple(self));
    return children ? PySet_New(children.get()) : nullptr;
}

PyObject* get_local_grads(PyObject* self, void*) {
    const Node& node = as_value(self)->node;
    if (node.op() == Op::leaf) return PyTuple_New(0);
    if (node.op() != Op::custom)
        return child_count(node) == 2
                   ? Py_BuildValue("(dd)", partial_by_lhs(node), partial_by_rhs(node))
                   : Py_BuildValue("(d)", partial_by_lhs(node));
    const auto& partials = extension_of(as_value(self))->partials;
    for (;;) {
        const std::size_t count = partials.size();
        Owned tuple(PyTuple_New(static_cast<Py_ssize_t>(count)));
        if (!tuple) return nullptr;
        if (partials.size() != count) continue;  // see children_tuple
        for (std::size_t i = 0; i < count; ++i) {
            PyObject* number = PyFloat_FromDouble(partials[i]);
            if (number == nullptr) return nullptr;
            PyTuple_SET_ITEM(tuple.get(), static_cast<Py_ssize_t>(i), number);
        }
        return tuple.release();
    }
}

PyObject* get_op(PyObject* self, void*) {
    const PyValue* value = as_value(self);
    if (const PyExtension* extension = extension_of(value); extension && extension->op_label)
        return Py_NewRef(extension->op_label);
    const Node& node = value->node;
    if (node.op() != Op::pow || node.has(rhs_is_node))
        return PyUnicode_FromString(info(node.op()).label);
    Owned exponent(PyFloat_FromDouble(rhs_of(node).number));
    if (!exponent) return nullptr;
    if (node.has(whole_parameter)) {
        exponent.reset(PyNumber_Long(exponent.get()));
        if (!exponent) return nullptr;
    }
    return PyUnicode_FromFormat("**%R", exponent.get());
}

int set_string(PyObject* self, PyObject* object, PyObject* PyExtension::* field, const char* what) {
    if (cannot_delete(object, what)) return -1;
    if (!PyUnicode_Check(object)) {
        PyErr_Format(PyExc_TypeError, "%s must be a str, not '%.100s'", what,
                     Py_TYPE(object)->tp_name);
        return -1;
    }
    return set_object(as_value(self), field, object) ? 0 : -1;
}
int set_op(PyObject* self, PyObject* object, void*) {
    return set_string(self, object, &PyExtension::op_label, "_op");
}

PyObject* get_label(PyObject* self, void*) {
    const PyExtension* extension = extension_of(as_value(self));
    if (extension && extension->label) return Py_NewRef(extension->label);
    return PyUnicode_FromString("");
}
int set_label(PyObject* self, PyObject* object, void*) {
    return set_string(self, object, &PyExtension::label, "label");
}

PyObject* apply_native_rule(PyObject* self, PyObject*) {
    propagate(as_value(self)->node);
    Py_RETURN_NONE;
}
PyMethodDef native_rule{
    "_backward", apply_native_rule, METH_NOARGS,
    "Adds this node's gradient, times the partial derivatives, to its operands'."};

PyObject* get_backward(PyObject* self, void*) {
    const PyExtension* extension = extension_of(as_value(self));
    if (extension && extension->closure) return Py_NewRef(extension->closure);
    return PyCFunction_New(&native_rule, self);
}
int set_backward(PyObject* self, PyObject* object, void*) {
    PyValue* value = as_value(self);
    if (object == nullptr) {
        if (PyExtension* extension = extension_of(value)) {
            value->node.clear(has_closure);
            Py_CLEAR(extension->closure);
        }
        return 0;
    }
    if (!PyCallable_Check(object)) {
        PyErr_Format(PyExc_TypeError, "_backward must be callable, not '%.100s'",
                     Py_TYPE(object)->tp_name);
        return -1;
    }
    // Before the old closure is let go, which may run any code.
    if (ensure_extension(value) == nullptr) return -1;
    value->node.set(has_closure);
    return set_object(value, &PyExtension::closure, object) ? 0 : -1;
}

PyObject* get_dict(PyObject* self, void*) {
    if (!keeps_attributes_in_extension(self)) return PyObject_GenericGetDict(self, nullptr);
    PyExtension* extension = ensure_extension(as_value(self));
    if (extension == nullptr) return nullptr;
    if (extension->dict == nullptr && (extension->dict = PyDict_New()) == nullptr) return nullptr;
    // Whoever holds the dict may store anything in it.
    track_before_attaching(as_value(self), extension->dict);
    return Py_NewRef(extension->dict);
}

// Such as a property: what is set in the instance does not hide it.
bool is_data_descriptor_of(PyObject* self, PyObject* name) {
    PyObject* found = _PyType_Lookup(Py_TYPE(self), name);
    return found != nullptr && Py_TYPE(found)->tp_descr_set != nullptr;
}

int delete_attribute(PyValue* value, PyObject* name) {
    const PyExtension* extension = extension_of(value);
    const int found = extension && extension->dict ? PyDict_Contains(extension->dict, name) : 0;
    if (found > 0) return PyDict_DelItem(extension->dict, name);
    if (found == 0)
        PyErr_Format(PyExc_AttributeError, "'%.100s' object has no attribute '%U'",
                     Py_TYPE(as_object(value))->tp_name, name);
    return -1;
}

// --- backward --------------------------------------------------------------------------------

class PythonEnvironment final : public Environment {
public:
    bool run_closure(Node& node) override {
        PyExtension* extension = extension_of(value_of(&node));
        Owned closure(Py_XNewRef(extension->closure));
        if (!closure) return true;
        return Owned(PyObject_CallNoArgs(closure.get())) != nullptr;
    }
    bool poll() override { return PyErr_CheckSignals() == 0; }
};

PyObject* run_backward(PyObject* self, PyObject*) {
    PythonEnvironment environment;
    bool done = false;
    {
        const OperandsKept while_running;
        try {
            done = backward(as_value(self)->node, environment);
        } catch (const std::bad_alloc&) {
            PyErr_NoMemory();
        }
    }
    if (!done) return nullptr;
    Py_RETURN_NONE;
}

}  // namespace

bool intern_attribute_names() {
    data_name = PyUnicode_InternFromString("data");
    grad_name = PyUnicode_InternFromString("grad");
    return data_name != nullptr && grad_name != nullptr;
}

bool keeps_attributes_in_extension(PyObject* self) { return Py_TYPE(self)->tp_dictoffset == 0; }

bool store_attribute(PyValue* value, PyObject* name, PyObject* object) {
    PyExtension* extension = ensure_extension(value);
    if (extension == nullptr) return false;
    if (extension->dict == nullptr && (extension->dict = PyDict_New()) == nullptr) return false;
    track_before_attaching(value, object);
    return PyDict_SetItem(extension->dict, name, object) == 0;
}

bool set_object(PyValue* value, PyObject* PyExtension::* field, PyObject* object) {
    PyExtension* extension = ensure_extension(value);
    if (extension == nullptr) return false;
    track_before_attaching(value, object);
    PyObject* old = extension->*field;
    extension->*field = Py_NewRef(object);
    Py_XDECREF(old);
    return true;
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
        for (Py_ssize_t i = 0; i < count; ++i) {
            PyObject* child = PyTuple_GET_ITEM(children, i);
            if (!is_value(child)) {
                PyErr_Format(PyExc_TypeError, "_children must be Values, not '%.100s'",
                             Py_TYPE(child)->tp_name);
                return false;
            }
            new_operands.push_back(&as_value(child)->node);
            if (partials == nullptr) continue;
            double partial = 0;
            if (!number_or_type_error(PyTuple_GET_ITEM(partials, i), "a local gradient", partial))
                return false;
            new_partials.push_back(partial);
        }
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

// Making an object may run the collector, finalizers, and so code that makes this node anew: what
// was counted before has to be counted again.
PyObject* children_tuple(PyObject* self) {
    PyValue* value = as_value(self);
    const Node& node = value->node;
    for (;;) {
        if (!materialize(value, lhs_is_node) || !materialize(value, rhs_is_node)) return nullptr;
        const std::size_t count = child_count(node);
        Owned tuple(PyTuple_New(static_cast<Py_ssize_t>(count)));
        if (!tuple) return nullptr;
        if (child_count(node) != count || is_plain_number(node, lhs_is_node) ||
            is_plain_number(node, rhs_is_node))
            continue;
        for (std::size_t i = 0; i < count; ++i) {
            Node* child = node.op() == Op::custom ? node.rhs.extension->operands[i]
                          : i == 0                ? node.lhs.node
                                                  : rhs_of(node).node;
            PyTuple_SET_ITEM(tuple.get(), static_cast<Py_ssize_t>(i), Py_NewRef(object_of(child)));
        }
        return tuple.release();
    }
}

PyObject* construct(PyTypeObject* type, PyObject*, PyObject*) {
    PyObject* self = type->tp_alloc(type, 0);
    if (self != nullptr && type != value_type) as_value(self)->node.set(tracked);
    return self;
}

int initialize(PyObject* self, PyObject* args, PyObject* kwargs) {
    Arguments arguments;
    return parse(args, kwargs, arguments) ? fill(as_value(self), arguments) : -1;
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

PyObject* get_attribute(PyObject* self, PyObject* name) {
    if (is_exact_value(self)) {
        if (name == data_name) return PyFloat_FromDouble(as_value(self)->node.data);
        if (name == grad_name) return PyFloat_FromDouble(as_value(self)->node.grad);
    }
    const PyExtension* extension = extension_of(as_value(self));
    if (extension == nullptr || extension->dict == nullptr || !PyUnicode_Check(name) ||
        is_data_descriptor_of(self, name))
        return PyObject_GenericGetAttr(self, name);
    PyObject* found = PyDict_GetItemWithError(extension->dict, name);
    if (found != nullptr) return Py_NewRef(found);
    return PyErr_Occurred() ? nullptr : PyObject_GenericGetAttr(self, name);
}

int set_attribute(PyObject* self, PyObject* name, PyObject* object) {
    if (is_exact_value(self) && object != nullptr) {
        if (name == data_name) return set_data(self, object, nullptr);
        if (name == grad_name) return set_grad(self, object, nullptr);
    }
    if (!keeps_attributes_in_extension(self) || !PyUnicode_Check(name) ||
        is_data_descriptor_of(self, name))
        return PyObject_GenericSetAttr(self, name, object);
    PyValue* value = as_value(self);
    if (object == nullptr) return delete_attribute(value, name);
    return store_attribute(value, name, object) ? 0 : -1;
}

PyObject* represent(PyObject* self) {
    const Node& node = as_value(self)->node;
    Owned data(PyFloat_FromDouble(node.data)), grad(PyFloat_FromDouble(node.grad));
    if (!data || !grad) return nullptr;
    return PyUnicode_FromFormat("Value(data=%R, grad=%R)", data.get(), grad.get());
}

PyObject* to_string(PyObject* self) {
    char* digits = PyOS_double_to_string(as_value(self)->node.data, 'f', 4, 0, nullptr);
    if (digits == nullptr) return nullptr;
    PyObject* text = PyUnicode_FromFormat("Value(data = %s)", digits);
    PyMem_Free(digits);
    return text;
}

PyGetSetDef attributes[] = {
    {"data", get_data, set_data, "The number, a float.", nullptr},
    {"grad", get_grad, set_grad, "The gradient that backward() has accumulated, a float.", nullptr},
    {"label", get_label, set_label, "A name to show, a str.", nullptr},
    {"_op", get_op, set_op, "The label of the op that made this node; '' for a leaf.", nullptr},
    {"_prev", get_prev, nullptr, "The operands, as a set of Values.", nullptr},
    {"_children", get_children, nullptr, "The operands in order, as a tuple of Values.", nullptr},
    {"_local_grads", get_local_grads, nullptr,
     "The partial derivatives by each of _children, as they are now; a tuple of floats.", nullptr},
    {"_backward", get_backward, set_backward,
     "Calling it applies this node's chain rule once. Set it to give a node a rule of its own.",
     nullptr},
    {"__dict__", get_dict, nullptr, "The free attributes.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};

PyMethodDef graph_methods[] = {
    {"backward", run_backward, METH_NOARGS,
     "backward($self, /)\n--\n\n"
     "Adds the derivative of this Value by every Value it depends on to their grad.\n\n"
     "This Value's own grad is set to 1. Gradients accumulate over calls; each call propagates\n"
     "its own contribution only. An exception in a user-made `_backward` reaches the caller."},
    {nullptr, nullptr, 0, nullptr}};

}  // namespace megagrad::python
