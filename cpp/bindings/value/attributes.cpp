// What a Value shows of its node, and what users may hang on it.
#include <new>

#include "bindings/support/spare_floats.hpp"
#include "bindings/value/recording.hpp"
#include "bindings/value/value.hpp"
#include "graph/backward.hpp"

namespace megagrad::python {

namespace {

PyObject *data_name = nullptr, *grad_name = nullptr;

bool cannot_delete(PyObject* value, const char* what) {
    if (value != nullptr) return false;
    PyErr_Format(PyExc_AttributeError, "%s of a Value cannot be deleted", what);
    return true;
}

PyObject* get_data(PyObject* self, void*) {
    return may_be_read(self, "the data") ? short_lived_float(as_value(self)->node.data) : nullptr;
}
PyObject* get_grad(PyObject* self, void*) {
    return may_be_read(self, "the grad") ? short_lived_float(as_value(self)->node.grad) : nullptr;
}

PyObject* item(PyObject* self, PyObject*) { return get_data(self, nullptr); }

MEGAGRAD_NOINLINE int set_other_number(PyObject* object, double& field, const char* what) {
    double number = 0;
    if (cannot_delete(object, what) || !number_or_type_error(object, what, number)) return -1;
    field = number;
    return 0;
}
int set_number(PyObject* object, double& field, const char* what) {
    if (object == nullptr || !PyFloat_CheckExact(object))
        return set_other_number(object, field, what);
    field = PyFloat_AS_DOUBLE(object);
    return 0;
}
int set_data(PyObject* self, PyObject* object, void*) {
    if (!may_be_read(self, "setting the data")) return -1;
    // Of a neuron's node, the gradient times a slope that depends on its data is that of its dot.
    const Node& node = as_value(self)->node;
    if (is_on_dot(node.op()) && node.grad != 0 && !unfold(as_value(self))) return -1;
    const int status = set_number(object, as_value(self)->node.data, "data");
    ++data_writes;
    return status;
}
int set_grad(PyObject* self, PyObject* object, void*) {
    // While a node is folded, its gradient is that of all the nodes it stands for.
    if (!unfold_if_bulk(as_value(self))) return -1;
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
    Owned leaf(new_number(0));
    if (!leaf) return false;
    Node& node = value->node;
    if (!is_plain_number(node, side)) return true;
    const double partial = side == lhs_is_node ? partial_by_lhs(node) : partial_by_rhs(node);
    Operand& operand = side == lhs_is_node ? node.lhs : rhs_of(node);
    Node& number = as_value(leaf.release())->node;
    number.data = operand.number;
    number.grad = share(partial, node.grad);
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
    if (!may_be_read(self, "the local gradients") || !unfold_if_bulk(as_value(self)))
        return nullptr;
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
        return PyUnicode_FromString(info(without_dot(node.op())).label);
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

// The extension with its dict; null with MemoryError set.
PyExtension* ensure_dict(PyValue* value) {
    PyExtension* extension = ensure_extension(value);
    if (extension == nullptr || extension->dict != nullptr) return extension;
    Owned dict(PyDict_New());  // may run the collector, and so code that makes the dict first
    if (!dict) return nullptr;
    if (extension->dict == nullptr) extension->dict = dict.release();
    return extension;
}

PyObject* get_dict(PyObject* self, void*) {
    if (!keeps_attributes_in_extension(self)) return PyObject_GenericGetDict(self, nullptr);
    const PyExtension* extension = ensure_dict(as_value(self));
    if (extension == nullptr) return nullptr;
    // Whoever holds the dict may store anything in it.
    track_before_attaching(as_value(self), extension->dict);
    return Py_NewRef(extension->dict);
}
int set_dict(PyObject* self, PyObject* dict, void*) {
    if (!keeps_attributes_in_extension(self)) return PyObject_GenericSetDict(self, dict, nullptr);
    if (cannot_delete(dict, "__dict__")) return -1;
    if (!PyDict_Check(dict)) {
        PyErr_Format(PyExc_TypeError, "__dict__ must be a dict, not '%.100s'",
                     Py_TYPE(dict)->tp_name);
        return -1;
    }
    return set_object(as_value(self), &PyExtension::dict, dict) ? 0 : -1;
}

// Such as a property: what is set in the instance does not hide it.
bool is_data_descriptor_of(PyObject* self, PyObject* name) {
    const Owned found(type_item(Py_TYPE(self), name));
    return found && Py_TYPE(found.get())->tp_descr_set != nullptr;
}

int delete_attribute(PyValue* value, PyObject* name) {
    const PyExtension* extension = extension_of(value);
    // Held: hashes and comparisons of names may run any code.
    const Owned dict(extension != nullptr ? Py_XNewRef(extension->dict) : nullptr);
    const int found = dict ? PyDict_Contains(dict.get(), name) : 0;
    if (found > 0) return PyDict_DelItem(dict.get(), name);
    if (found == 0)
        PyErr_Format(PyExc_AttributeError, "'%.100s' object has no attribute '%U'",
                     Py_TYPE(as_object(value))->tp_name, name);
    return -1;
}

// Attributes but for data and grad, or of instances of a subclass.
PyObject* find_attribute(PyObject* self, PyObject* name) {
    const PyExtension* extension = extension_of(as_value(self));
    if (extension == nullptr || extension->dict == nullptr || !PyUnicode_Check(name) ||
        is_data_descriptor_of(self, name))
        return PyObject_GenericGetAttr(self, name);
    const Owned dict(Py_NewRef(extension->dict));  // the name's hash may run any code
    if (PyObject* found = dict_item(dict.get(), name)) return found;
    return PyErr_Occurred() ? nullptr : PyObject_GenericGetAttr(self, name);
}

MEGAGRAD_NOINLINE PyObject* get_other_attribute(PyObject* self, PyObject* name) {
    PyObject* found = find_attribute(self, name);
    if (found == nullptr) suggest_attribute(self, name);
    return found;
}

MEGAGRAD_NOINLINE int set_other_attribute(PyObject* self, PyObject* name, PyObject* object) {
    if (!keeps_attributes_in_extension(self) || !PyUnicode_Check(name) ||
        is_data_descriptor_of(self, name))
        return PyObject_GenericSetAttr(self, name, object);
    PyValue* value = as_value(self);
    if (object == nullptr) return delete_attribute(value, name);
    return store_attribute(value, name, object) ? 0 : -1;
}

}  // namespace

bool intern_attribute_names() {
    data_name = PyUnicode_InternFromString("data");
    grad_name = PyUnicode_InternFromString("grad");
    return data_name != nullptr && grad_name != nullptr;
}

bool keeps_attributes_in_extension(PyObject* self) { return Py_TYPE(self)->tp_dictoffset == 0; }

bool store_attribute(PyValue* value, PyObject* name, PyObject* object) {
    const PyExtension* extension = ensure_dict(value);
    if (extension == nullptr) return false;
    track_before_attaching(value, object);
    const Owned dict(Py_NewRef(extension->dict));  // the name's hash may run any code
    return PyDict_SetItem(dict.get(), name, object) == 0;
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

// Making an object may run the collector, finalizers, and so code that makes this node anew: what
// was counted before has to be counted again.
PyObject* children_tuple(PyObject* self) {
    PyValue* value = as_value(self);
    const Node& node = value->node;
    if (!unfold_if_bulk(value)) return nullptr;
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

PyObject* get_attribute(PyObject* self, PyObject* name) {
    if (is_exact_value(self)) {
        if (name == data_name) return get_data(self, nullptr);
        if (name == grad_name) return get_grad(self, nullptr);
    }
    return get_other_attribute(self, name);
}

int set_attribute(PyObject* self, PyObject* name, PyObject* object) {
    if (is_exact_value(self)) {
        if (name == data_name) return set_data(self, object, nullptr);
        if (name == grad_name) return set_grad(self, object, nullptr);
    }
    return set_other_attribute(self, name, object);
}

PyMethodDef attribute_methods[] = {
    {"item", locked<item>, METH_NOARGS,
     "item($self, /)\n--\n\n"
     "The number, a float: what data is, under the name that arrays and tensors have for it.\n\n"
     "While record() runs, raises TypeError for a Value that depends on an input, as data does."},
    {nullptr, nullptr, 0, nullptr}};

PyGetSetDef attributes[] = {
    {"data", locked<get_data>, locked<set_data>, "The number, a float.", nullptr},
    {"grad", locked<get_grad>, locked<set_grad>,
     "The gradient that backward() has accumulated, a float.", nullptr},
    {"label", locked<get_label>, locked<set_label>, "A name to show, a str.", nullptr},
    {"_op", locked<get_op>, locked<set_op>,
     "The label of the op that made this node; '' for a leaf.", nullptr},
    {"_prev", locked<get_prev>, nullptr, "The operands, as a set of Values.", nullptr},
    {"_children", locked<get_children>, nullptr, "The operands in order, as a tuple of Values.",
     nullptr},
    {"_local_grads", locked<get_local_grads>, nullptr,
     "The partial derivatives by each of _children, as they are now; a tuple of floats.", nullptr},
    {"_backward", locked<get_backward>, locked<set_backward>,
     "Calling it applies this node's chain rule once. Set it to give a node a rule of its own.",
     nullptr},
    {"__dict__", locked<get_dict>, locked<set_dict>, "The free attributes.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};

}  // namespace megagrad::python
