// The number slots and the op table's methods: from Python operands to a new node.
#include <cmath>
#include <string>

#include "bindings/value/recording.hpp"
#include "bindings/value/value.hpp"
#include "graph/backward.hpp"

namespace megagrad::python {

namespace {

enum class OperandKind { node, number, foreign, error };

struct Argument {
    OperandKind kind;
    Operand operand;
    double value;
    bool whole;  // a Python int
};

inline Argument node_argument(PyObject* object) {
    Argument argument{OperandKind::node, {}, 0, false};
    argument.operand.node = &as_value(object)->node;
    argument.value = argument.operand.node->data;
    return argument;
}

inline Argument number_argument(double number, bool whole) {
    Argument argument{OperandKind::number, {}, number, whole};
    argument.operand.number = number;
    return argument;
}

MEGAGRAD_NOINLINE Argument uncommon_argument(PyObject* object) {
    if (is_value(object)) return node_argument(object);
    double number = 0;
    const int real = to_number(object, number);
    if (real > 0) return number_argument(number, PyLong_Check(object));
    return {real == 0 ? OperandKind::foreign : OperandKind::error, {}, 0, false};
}

inline Argument argument_of(PyObject* object) {
    if (is_exact_value(object)) return node_argument(object);
    if (PyFloat_CheckExact(object)) return number_argument(PyFloat_AS_DOUBLE(object), false);
    if (PyLong_CheckExact(object)) {
        const double number = PyLong_AsDouble(object);
        if (number != -1.0 || !PyErr_Occurred()) return number_argument(number, true);
        return {OperandKind::error, {}, 0, true};
    }
    return uncommon_argument(object);
}

inline bool is_finite(double x) { return x - x == 0; }

// What `x op y` reads like in a message.
std::string expression(Op op, double x, double y) {
    const OpInfo& entry = info(op);
    if (entry.kind == Kind::infix) return number_text(x) + " " + entry.label + " " + number_text(y);
    std::string result = std::string(entry.name) + "(" + number_text(x);
    if (entry.kind != Kind::unary) result += ", " + number_text(y);
    return result + ")";
}

bool fail(PyObject* type, Op op, double x, double y, const char* why, const char* more = "") {
    try {
        PyErr_Format(type, "%s%s%s", expression(op, x, y).c_str(), why, more);
    } catch (const std::bad_alloc&) {
        PyErr_NoMemory();
    }
    return false;
}

// Python's own rules for floats: a NaN out of numbers and a pole are ValueErrors, an infinity out
// of finite numbers is an OverflowError. Called for results that are not finite.
bool check_result(Op op, double x, double y, double z) {
    if (std::isnan(x) || std::isnan(y)) return true;
    const char* needs = info(op).needs;
    const bool pole = *needs != '\0' && op != Op::pow && is_finite(x);
    if (std::isnan(z) || pole)
        return *needs != '\0' ? fail(PyExc_ValueError, op, x, y, " is undefined: needs ", needs)
                              : fail(PyExc_ValueError, op, x, y, " is undefined");
    if (is_finite(x) && is_finite(y))
        return fail(PyExc_OverflowError, op, x, y, " is too large for a float");
    return true;
}

bool check(Op op, double x, double y, double z) {
    if (op == Op::div && y == 0)
        return fail(PyExc_ZeroDivisionError, op, x, y, ": division by zero");
    if (is_finite(z)) return true;
    if (op == Op::pow && x == 0 && y < 0 && is_finite(y))
        return fail(PyExc_ZeroDivisionError, op, x, y,
                    ": zero cannot be raised to a negative power");
    if (op == Op::div) return true;  // like + - *: floats overflow to infinity silently
    return check_result(op, x, y, z);
}

// What depends on an input of a recording has no number yet: a comparison of NaNs is 0, but there
// is nothing wrong with 1 / x.greater(0). Then the exception that was set goes.
MEGAGRAD_NOINLINE bool is_of_an_input(PyObject* a, PyObject* b = nullptr) {
    const bool is = (is_value(a) && depends_on_an_input(a)) ||
                    (b != nullptr && is_value(b) && depends_on_an_input(b));
    if (is) PyErr_Clear();
    return is;
}

constexpr bool is_checked(Op op) {
    return op != Op::add && op != Op::sub && op != Op::mul && op != Op::shifted;
}

// At least one operand is a Value, and they are not both exact Values.
template <Op op, class Formula, bool commutes>
MEGAGRAD_NOINLINE PyObject* mixed(PyObject* a, PyObject* b) {
    Argument lhs = argument_of(a);
    Argument rhs = argument_of(b);
    if (lhs.kind == OperandKind::error || rhs.kind == OperandKind::error) return nullptr;
    if (lhs.kind == OperandKind::foreign || rhs.kind == OperandKind::foreign)
        Py_RETURN_NOTIMPLEMENTED;
    // As micrograd's reflected operators do: 2 + v is v + 2.
    if (commutes && lhs.kind == OperandKind::number) std::swap(lhs, rhs);
    const double z = Formula::forward(lhs.value, rhs.value);
    if (is_checked(op) && !check(op, lhs.value, rhs.value, z) && !is_of_an_input(a, b))
        return nullptr;
    unsigned flags = 0;
    if (lhs.kind == OperandKind::node) flags |= lhs_is_node;
    if (rhs.kind == OperandKind::node) flags |= rhs_is_node;
    if (op == Op::pow && rhs.whole) flags |= whole_parameter;
    return new_node(op, z, lhs.operand, rhs.operand, flags);
}

template <Op op, class Formula, bool commutes>
inline PyObject* binary(PyObject* a, PyObject* b) {
    if (!is_exact_value(a) || !is_exact_value(b)) return mixed<op, Formula, commutes>(a, b);
    Operand lhs, rhs;
    lhs.node = &as_value(a)->node;
    rhs.node = &as_value(b)->node;
    const double x = lhs.node->data, y = rhs.node->data, z = Formula::forward(x, y);
    if (is_checked(op) && !check(op, x, y, z) && !is_of_an_input(a, b)) return nullptr;
    return new_node(op, z, lhs, rhs, lhs_is_node | rhs_is_node);
}

template <Op op, class Formula>
PyObject* binary_method(PyObject* self, PyObject* other) {
    PyObject* result = binary<op, Formula, false>(self, other);
    if (result != Py_NotImplemented) return result;
    Py_DECREF(result);
    return PyErr_Format(PyExc_TypeError, "%s() needs a Value or a real number, not '%.100s'",
                        info(op).name, Py_TYPE(other)->tp_name);
}

inline PyObject* unary_node(Op op, PyObject* self, double parameter, double z) {
    Operand lhs, rhs;
    lhs.node = &as_value(self)->node;
    rhs.number = parameter;
    if (!is_finite(z) && !check_result(op, lhs.node->data, parameter, z) && !is_of_an_input(self))
        return nullptr;
    return new_node(op, z, lhs, rhs, lhs_is_node);
}

template <Op op, class Formula>
PyObject* unary(PyObject* self, PyObject* = nullptr) {
    return unary_node(op, self, 0.0, Formula::forward(as_value(self)->node.data, 0.0));
}

template <Op op, class Formula>
PyObject* parametric(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* names) {
    const OpInfo& entry = info(op);
    const Py_ssize_t named = names != nullptr ? PyTuple_GET_SIZE(names) : 0;
    if (count + named > 1)
        return PyErr_Format(PyExc_TypeError, "%s() takes at most one argument, %s (%zd given)",
                            entry.name, entry.parameter, count + named);
    if (named == 1 &&
        PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, 0), entry.parameter) != 0)
        return PyErr_Format(PyExc_TypeError, "%s() has no argument '%U', only %s", entry.name,
                            PyTuple_GET_ITEM(names, 0), entry.parameter);
    double parameter = entry.default_parameter;
    if (count + named == 1) {
        const int number = to_number(args[0], parameter);
        if (number < 0) return nullptr;
        if (number == 0)
            return PyErr_Format(PyExc_TypeError, "%s() needs a real number as %s, not '%.100s'",
                                entry.name, entry.parameter, Py_TYPE(args[0])->tp_name);
    }
    return unary_node(op, self, parameter, Formula::forward(as_value(self)->node.data, parameter));
}

PyObject *native_names[op_infos.size()], *native_methods[op_infos.size()];

template <auto function>
PyMethodDef method(Op op, int flags) {
    return method_def<function>(info(op).name, flags, documentation(op));
}

}  // namespace

std::vector<PyMethodDef> table_methods() {
#define MEGAGRAD_BINARY_METHOD(name, ...) \
    method<binary_method<Op::name, formula::name##_>>(Op::name, METH_O),
#define MEGAGRAD_UNARY_METHOD(name, ...) \
    method<unary<Op::name, formula::name##_>>(Op::name, METH_NOARGS),
#define MEGAGRAD_PARAMETRIC_METHOD(name, ...) \
    method<parametric<Op::name, formula::name##_>>(Op::name, METH_FASTCALL | METH_KEYWORDS),
    return {MEGAGRAD_BINARY(MEGAGRAD_BINARY_METHOD)  //
            MEGAGRAD_UNARY(MEGAGRAD_UNARY_METHOD)    //
            MEGAGRAD_PARAMETRIC(MEGAGRAD_PARAMETRIC_METHOD)};
#undef MEGAGRAD_BINARY_METHOD
#undef MEGAGRAD_UNARY_METHOD
#undef MEGAGRAD_PARAMETRIC_METHOD
}

PyObject* apply(Op op, PyObject* value) {
    const double parameter = info(op).default_parameter;
    return unary_node(op, value, parameter, evaluate(op, as_value(value)->node.data, parameter));
}

PyObject* apply(Op op, PyObject* a, PyObject* b) {
    Operand lhs, rhs;
    lhs.node = &as_value(a)->node;
    rhs.node = &as_value(b)->node;
    const double x = lhs.node->data, y = rhs.node->data, z = evaluate(op, x, y);
    if (is_checked(op) && !check(op, x, y, z) && !is_of_an_input(a, b)) return nullptr;
    return new_node(op, z, lhs, rhs, lhs_is_node | rhs_is_node);
}

bool remember_native_methods() {
    for (std::size_t i = 0; i < op_infos.size(); ++i) {
        const OpInfo& entry = op_infos[i];
        if (entry.kind == Kind::structural || entry.kind == Kind::infix) continue;
        native_names[i] = PyUnicode_InternFromString(entry.name);
        if (native_names[i] == nullptr) return false;
        native_methods[i] =
            Py_XNewRef(PyDict_GetItemWithError(value_type->tp_dict, native_names[i]));
    }
    return true;
}

bool is_native_method(Op op) {
    const auto i = static_cast<std::size_t>(op);
    return PyDict_GetItemWithError(value_type->tp_dict, native_names[i]) == native_methods[i];
}

PyObject* new_leaf(double data) { return graph_node(Op::leaf, data, {}, {}, 0); }
PyObject* new_number(double data) { return graph_node(Op::leaf, data, {}, {}, plain_number); }

PyObject* add(PyObject* a, PyObject* b) { return binary<Op::add, formula::add_, true>(a, b); }
PyObject* subtract(PyObject* a, PyObject* b) { return binary<Op::sub, formula::sub_, false>(a, b); }
PyObject* multiply(PyObject* a, PyObject* b) { return binary<Op::mul, formula::mul_, true>(a, b); }
PyObject* divide(PyObject* a, PyObject* b) { return binary<Op::div, formula::div_, false>(a, b); }

PyObject* power(PyObject* a, PyObject* b, PyObject* modulus) {
    if (modulus != Py_None)
        return PyErr_Format(PyExc_TypeError, "pow() of a Value takes no modulus");
    return binary<Op::pow, formula::pow_, false>(a, b);
}

PyObject* negative(PyObject* self) { return unary<Op::neg, formula::neg_>(self); }
PyObject* absolute(PyObject* self) { return unary<Op::abs, formula::abs_>(self); }

}  // namespace megagrad::python
