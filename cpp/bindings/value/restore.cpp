// What pickles call to make Values anew, one after the other; pickle.cpp writes the calls.
#include "bindings/value/value.hpp"
#include "bindings/value/walk.hpp"

namespace megagrad::python {

namespace {

bool find_op(PyObject* name, Op& op) {
    for (std::size_t i = 0; i < op_infos.size(); ++i) {
        op = static_cast<Op>(i);
        const bool is_kept =
            info(op).kind != Kind::structural || op == Op::leaf || op == Op::custom;
        if (is_kept && PyUnicode_Check(name) &&
            PyUnicode_CompareWithASCIIString(name, info(op).name) == 0)
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
        PyErr_Format(PyExc_TypeError,
                     "an operand to restore must be a Value or a real number, not '%.100s'",
                     Py_TYPE(object)->tp_name);
    return number > 0;
}

bool restore_custom(PyValue* value, PyObject* operands, PyObject* partials) {
    if (PyTuple_Check(operands) && PyTuple_Check(partials))
        return set_operands(value, operands, PyTuple_GET_SIZE(partials) > 0 ? partials : nullptr);
    PyErr_Format(PyExc_TypeError,
                 "a custom op is restored from two tuples, not '%.100s' and '%.100s'",
                 Py_TYPE(operands)->tp_name, Py_TYPE(partials)->tp_name);
    return false;
}

bool restore_table_op(PyValue* value, Op op, PyObject* lhs, PyObject* rhs) {
    Node& node = value->node;
    if (!restore_operand(value, lhs_is_node, node.lhs, lhs) ||
        !restore_operand(value, rhs_is_node, node.rhs, rhs))
        return false;
    const bool fits = has_two_operands(op) ? node.has(lhs_is_node | rhs_is_node)
                                           : node.has_just(lhs_is_node, lhs_is_node | rhs_is_node);
    if (!fits) {
        PyErr_Format(PyExc_ValueError, "wrong operands for '%s'", info(op).name);
        return false;
    }
    if (op == Op::pow && PyLong_Check(rhs)) node.set(whole_parameter);
    node.set_op(op);
    return true;
}

// An unpickler runs no code between nodes that would look for signals.
bool is_interrupted() {
    static std::size_t restored = 0;
    return ++restored % poll_interval == 0 && PyErr_CheckSignals() != 0;
}

// What _restore() is called with, once it has been looked at.
struct Saved {
    PyTypeObject* type = nullptr;
    Op op = Op::leaf;
    bool is_number = false;  // a leaf that stands for one
    double data = 0, grad = 0;
    PyObject *lhs = nullptr, *rhs = nullptr;  // of a leaf, null
};

bool parse(PyObject* args, Saved& saved) {
    PyObject *before, *type, *name, *data, *grad;
    if (!PyArg_ParseTuple(args, "OO!OOO|OO:_restore", &before, &PyType_Type, &type, &name, &data,
                          &grad, &saved.lhs, &saved.rhs) ||
        !number_or_type_error(data, "data to restore", saved.data) ||
        !number_or_type_error(grad, "grad to restore", saved.grad))
        return false;
    saved.is_number =
        PyUnicode_Check(name) && PyUnicode_CompareWithASCIIString(name, number_name) == 0;
    if (!saved.is_number && !find_op(name, saved.op)) return false;
    saved.type = reinterpret_cast<PyTypeObject*>(type);
    if (!PyType_IsSubtype(saved.type, value_type)) {
        PyErr_Format(PyExc_TypeError, "'%.100s' is not a kind of Value", saved.type->tp_name);
        return false;
    }
    const bool is_leaf = saved.op == Op::leaf;
    if (is_leaf == (saved.lhs == nullptr) && is_leaf == (saved.rhs == nullptr)) return true;
    PyErr_Format(PyExc_ValueError, "wrong number of operands for %R", name);
    return false;
}

PyObject* restore(PyObject*, PyObject* args) {
    Saved saved;
    if (is_interrupted() || !parse(args, saved)) return nullptr;
    Owned result(construct(saved.type, nullptr, nullptr));
    if (!result) return nullptr;
    PyValue* value = as_value(result.get());
    if (saved.op == Op::custom && !restore_custom(value, saved.lhs, saved.rhs)) return nullptr;
    if (saved.op != Op::custom && saved.op != Op::leaf &&
        !restore_table_op(value, saved.op, saved.lhs, saved.rhs))
        return nullptr;
    if (saved.is_number) value->node.set(plain_number);
    value->node.data = saved.data;
    value->node.grad = saved.grad;
    return result.release();
}

PyObject* set_state(PyObject*, PyObject* args) {
    PyObject *value, *state;
    if (!PyArg_ParseTuple(args, "O!O:_set_state", value_type, &value, &state) ||
        !apply_state(value, state))
        return nullptr;
    Py_RETURN_NONE;
}

}  // namespace

PyMethodDef restore_function{"_restore", locked<restore>, METH_VARARGS,
                             "For pickle: makes one Value from its operands."};
PyMethodDef set_state_function{"_set_state", locked<set_state>, METH_VARARGS,
                               "For pickle: gives a Value its attributes, labels and closure."};

}  // namespace megagrad::python
