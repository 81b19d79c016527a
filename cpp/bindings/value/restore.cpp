// What pickles call to make Values anew, one after the other; value_pickle.cpp writes the calls.
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

// An unpickler runs no code between nodes that would look for signals.
bool is_interrupted() {
    static std::size_t restored = 0;
    return ++restored % poll_interval == 0 && PyErr_CheckSignals() != 0;
}

PyObject* restore(PyObject*, PyObject* args) {
    if (is_interrupted()) return nullptr;
    PyObject *before, *type, *name, *data_object, *grad_object, *lhs = nullptr, *rhs = nullptr;
    if (!PyArg_ParseTuple(args, "OO!OOO|OO:_restore", &before, &PyType_Type, &type, &name,
                          &data_object, &grad_object, &lhs, &rhs))
        return nullptr;
    double data = 0, grad = 0;
    if (!number_or_type_error(data_object, "data to restore", data) ||
        !number_or_type_error(grad_object, "grad to restore", grad))
        return nullptr;
    const bool is_number =
        PyUnicode_Check(name) && PyUnicode_CompareWithASCIIString(name, number_name) == 0;
    Op op = Op::leaf;
    if (!is_number && !find_op(name, op)) return nullptr;
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
            PyErr_Format(PyExc_TypeError,
                         "a custom op is restored from two tuples, not '%.100s' and '%.100s'",
                         Py_TYPE(lhs)->tp_name, Py_TYPE(rhs)->tp_name);
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
    if (is_number) value->node.set(plain_number);
    value->node.data = data;
    value->node.grad = grad;
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
