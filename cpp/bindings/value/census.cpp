// What a graph consists of, told without unfolding anything.
#include "graph/census.hpp"

#include <array>

#include "bindings/support/arguments.hpp"
#include "bindings/value/value.hpp"

namespace megagrad::python {

namespace {

// The only argument of a call, a Value's node; null with TypeError set.
Node* only_node(const char* function, const char* name, PyObject* const* args, Py_ssize_t count,
                PyObject* keywords) {
    std::array<PyObject*, 1> values{};
    if (!take_arguments<1>(function, {name}, 1, args, count, keywords, values)) return nullptr;
    if (is_value(values[0])) return &as_value(values[0])->node;
    PyErr_Format(PyExc_TypeError, "%s must be a Value, not '%.100s'", name,
                 Py_TYPE(values[0])->tp_name);
    return nullptr;
}

bool put_count(PyObject* counts, const char* name, std::uint64_t count) {
    if (count == 0) return true;
    const Owned number(PyLong_FromUnsignedLongLong(count));
    return number && PyDict_SetItemString(counts, name, number.get()) == 0;
}

PyObject* census(PyObject*, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
    Node* root = only_node("census()", "root", args, count, keywords);
    if (root == nullptr) return nullptr;
    try {
        const Census found = census_of(root);
        Owned counts(PyDict_New());
        for (std::size_t i = 0; counts && i < found.of_op.size(); ++i)
            if (!put_count(counts.get(), op_infos[i].name, found.of_op[i])) return nullptr;
        if (!counts || !put_count(counts.get(), "number", found.numbers)) return nullptr;
        return counts.release();
    } catch (const std::bad_alloc&) {
        return PyErr_NoMemory();
    }
}

PyObject* op_name(PyObject*, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
    const Node* node = only_node("op_name()", "value", args, count, keywords);
    if (node == nullptr) return nullptr;
    const Op op = node->op();
    if (op == Op::leaf && node->has(plain_number)) return PyUnicode_FromString("number");
    const Op name = node->has(has_closure)          ? Op::custom
                    : is_bulk(op) && !is_on_dot(op) ? Op::add
                                                    : without_dot(op);
    return PyUnicode_FromString(info(name).name);
}

}  // namespace

PyMethodDef census_functions[] = {
    method_def<census>(
        "census", METH_FASTCALL | METH_KEYWORDS,
        "census($module, /, root)\n--\n\n"
        "How many nodes of each op root depends on, itself included, by the ops' names; plain\n"
        "numbers under 'number'. Nothing unfolds."),
    method_def<op_name>(
        "op_name", METH_FASTCALL | METH_KEYWORDS,
        "op_name($module, /, value)\n--\n\n"
        "The name of the op that made a node, whatever its _op says; 'custom' for one of the\n"
        "program's own, and for a node with a _backward of its own, 'number' for a leaf that "
        "stands\n"
        "for a plain number."),
    {nullptr, nullptr, 0, nullptr}};

}  // namespace megagrad::python
