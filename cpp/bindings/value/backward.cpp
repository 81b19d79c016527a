// Values' own chain rules, and backward() over all of them.
#include "graph/backward.hpp"

#include <algorithm>

#include "bindings/value/recording.hpp"
#include "bindings/value/value.hpp"
#include "bindings/value/walk.hpp"

namespace megagrad::python {

namespace {

PyObject* apply_native_rule(PyObject* self, PyObject*) {
    if (!may_be_read(self, "the chain rule")) return nullptr;
    propagate(as_value(self)->node);
    Py_RETURN_NONE;
}
PyMethodDef native_rule{
    "_backward", locked<apply_native_rule>, METH_NOARGS,
    "Adds this node's gradient, times the partial derivatives, to its operands'."};

bool run_closure(Node& node) {
    const Owned closure(Py_XNewRef(extension_of(value_of(&node))->closure));
    return !closure || Owned(PyObject_CallNoArgs(closure.get()));
}

// Of a node of the user's own, whose operands then get no gradient.
bool lacks_a_rule(const Node& node) {
    if (node.op() != Op::custom || !node.has(has_closure)) return false;
    return extension_of(value_of(const_cast<Node*>(&node)))->closure == nullptr;
}

// Warns of the first such node, seen from the root; false if warnings are errors.
bool warn_where_it_stops(const Array<Node*>& order) {
    const auto found = std::find_if(order.rbegin(), order.rend(),
                                    [](const Node* node) { return lacks_a_rule(*node); });
    if (found == order.rend()) return true;
    const Owned op(PyObject_GetAttrString(object_of(*found), "_op"));
    return op &&
           PyErr_WarnFormat(PyExc_UserWarning, 1,
                            "backward() stops at a Value of the op %R, which has operands: it "
                            "needs local gradients or a _backward, or x.detach() for an operand "
                            "x if nothing is to flow",
                            op.get()) == 0;
}

// May throw std::bad_alloc.
bool run_closures(Node& root) {
    Array<Node*> order;
    if (!list_all(&root, order, passes_nothing_on)) return false;
    const Held while_running(order);
    if (!warn_where_it_stops(order)) return false;
    return backward_with_closures(order, run_closure);
}

PyObject* run_backward(PyObject* self, PyObject*) {
    if (!may_be_read(self, "backward()")) return nullptr;
    Node& root = as_value(self)->node;
    // The root's gradient is set, while those of the nodes that it stands for add up.
    if (root.grad != 0 && !unfold_if_bulk(as_value(self))) return nullptr;
    try {
        if (!backward(root) && !run_closures(root)) return nullptr;
    } catch (const std::bad_alloc&) {
        return PyErr_NoMemory();
    }
    Py_RETURN_NONE;
}

}  // namespace

PyObject* get_backward(PyObject* self, void*) {
    if (!unfold_if_bulk(as_value(self))) return nullptr;
    const PyExtension* extension = extension_of(as_value(self));
    if (extension && extension->closure) return Py_NewRef(extension->closure);
    return PyCFunction_New(&native_rule, self);
}
int set_backward(PyObject* self, PyObject* object, void*) {
    PyValue* value = as_value(self);
    if (object == nullptr) {
        if (PyExtension* extension = extension_of(value)) {
            value->node.clear(has_closure);
            if (value->node.op() == Op::custom) become_custom(value);
            Py_CLEAR(extension->closure);
        }
        return 0;
    }
    if (!PyCallable_Check(object)) {
        PyErr_Format(PyExc_TypeError, "_backward must be callable, not '%.100s'",
                     Py_TYPE(object)->tp_name);
        return -1;
    }
    // A rule would lead to the operands that the leaf has lost.
    if (drops_operands() && value->node.op() == Op::leaf) return 0;
    if (!unfold_if_bulk(value)) return -1;
    // Before the old closure is let go, which may run any code.
    if (ensure_extension(value) == nullptr) return -1;
    value->node.set(has_closure);
    return set_object(value, &PyExtension::closure, object) ? 0 : -1;
}

PyMethodDef backward_methods[] = {
    {"backward", locked<run_backward>, METH_NOARGS,
     "backward($self, /)\n--\n\n"
     "Adds the derivative of this Value by every Value it depends on to their grad.\n\n"
     "This Value's own grad is set to 1. Gradients accumulate over calls; each call propagates\n"
     "its own contribution only. An exception in a user-made `_backward` reaches the caller."},
    {nullptr, nullptr, 0, nullptr}};

}  // namespace megagrad::python
