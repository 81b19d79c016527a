#include "bindings/value/grad_mode.hpp"

#include "bindings/value/value.hpp"

namespace megagrad::python {

int threads_in_no_grad = 0;

namespace {

thread_local GradMode mode;

void set_mode(GradMode now) {
    threads_in_no_grad += (now.no_grads > 0) - (mode.no_grads > 0);
    mode = now;
}

bool replace_by_leaf(Operand& operand, Owned& leaf) {
    leaf.reset(new_leaf(operand.node->data));
    if (leaf) operand.node = &as_value(leaf.get())->node;
    return static_cast<bool>(leaf);
}

PyObject* on_leaves(Op op, double data, Operand lhs, Operand rhs, unsigned flags) {
    Owned left, right;
    if ((flags & lhs_is_node) && !replace_by_leaf(lhs, left)) return nullptr;
    if ((flags & rhs_is_node) && !replace_by_leaf(rhs, right)) return nullptr;
    return graph_node(op, data, lhs, rhs, flags);
}

PyObject* detached(const Owned& result) {
    if (!result) return nullptr;
    Operand lhs, none{};
    lhs.node = &as_value(result.get())->node;
    return graph_node(Op::detach, lhs.node->data, lhs, none, lhs_is_node);
}

PyObject* enter_no_grad(PyObject*, PyObject*) {
    set_mode({mode.no_grads + 1, mode.records});
    Py_RETURN_NONE;
}

PyObject* leave_no_grad(PyObject*, PyObject*) {
    if (mode.no_grads == 0)
        return PyErr_Format(PyExc_RuntimeError,
                            "no_grad must end on the thread that it began on, once");
    set_mode({mode.no_grads - 1, mode.records});
    Py_RETURN_NONE;
}

}  // namespace

PyObject* node_by_mode(Op op, double data, Operand lhs, Operand rhs, unsigned flags) {
    if (mode.no_grads == 0 || (mode.records && is_comparison(op)))
        return graph_node(op, data, lhs, rhs, flags);
    if (mode.records) return detached(Owned(graph_node(op, data, lhs, rhs, flags)));
    return is_comparison(op) ? on_leaves(op, data, lhs, rhs, flags) : new_leaf(data);
}

bool drops_operands() { return mode.no_grads > 0 && !mode.records; }

InMode::InMode(GradMode now) : before_(mode) { set_mode(now); }
InMode::~InMode() { set_mode(before_); }

PyMethodDef grad_mode_functions[] = {
    {"enter_no_grad", locked<enter_no_grad>, METH_NOARGS,
     "enter_no_grad()\n--\n\nFrom now on, this thread's results are leaves."},
    {"leave_no_grad", locked<leave_no_grad>, METH_NOARGS,
     "leave_no_grad()\n--\n\nEnds what the last enter_no_grad() of this thread began."},
    {nullptr, nullptr, 0, nullptr}};

}  // namespace megagrad::python
