// Where Values come from and where they go: the pool of nodes, deallocation without recursion, and
// what the cyclic collector is told.
#include <cstring>
#include <utility>
#include <vector>

#include "bindings/value/value.hpp"
#include "platform/running.hpp"

namespace megagrad::python {

NodePool node_pool;
bool track_every_node = false;

namespace {

// Values that no one refers to any more, chained through their gradients.
Node* dying = nullptr;
// How many drains, on all threads, are within code of the user's, such as a finalizer. That may
// wait for other threads: what they and it let go is drained anew, until the stack might end.
int paused_drains = 0;
constexpr int most_paused = 50;

class Pause : public Running<Pause> {
public:
    Pause() { ++paused_drains; }
    ~Pause() { --paused_drains; }
};

// Set once someone has given the class itself a __del__.
bool values_had_finalizers = false;

Node* link_of(const Node& node) {
    Node* next;
    std::memcpy(&next, &node.grad, sizeof next);
    return next;
}

void push_dying(Node* node) {
    std::memcpy(&node->grad, &dying, sizeof dying);
    dying = node;
}

// Has nothing that Python code could notice the end of. Instances of subclasses are all tracked.
bool dies_unnoticed(const PyValue* value) {
    return value->weakrefs == nullptr && !value->node.has(extended | tracked) &&
           value_type->tp_finalize == nullptr;
}

// Ends what Python code can notice; false if a finalizer brought the Value back.
MEGAGRAD_NOINLINE bool take_leave(PyValue* value) {
    PyObject* self = as_object(value);
    if (is_exact_value(self) && value_type->tp_finalize != nullptr) {
        values_had_finalizers = true;
        if (PyObject_CallFinalizerFromDealloc(self) < 0) {
            if (is_free_threaded && value->node.has(tracked)) PyObject_GC_Track(self);
            return false;
        }
    }
    // Python tracks an instance of a subclass again before it gets here.
    if (value->node.has(tracked) || !is_exact_value(self)) PyObject_GC_UnTrack(self);
    if (value->weakrefs != nullptr) PyObject_ClearWeakRefs(self);
    return true;
}

void delete_extension(PyExtension* extension) {
    Py_XDECREF(extension->closure);
    Py_XDECREF(extension->dict);
    Py_XDECREF(extension->label);
    Py_XDECREF(extension->op_label);
    delete extension;
}

MEGAGRAD_NOINLINE void release_noticed(PyObject* object) {
    const Pause may_run_any_code;
    Py_DECREF(object);
}

MEGAGRAD_INLINE void release(Node* operand) {
    PyObject* object = object_of(operand);
    if (Py_REFCNT(object) != 1) {
        Py_DECREF(object);
    } else if (counts_are_plain && dies_unnoticed(value_of(operand))) {
        Py_SET_REFCNT(object, 0);
        push_dying(operand);
    } else {
        release_noticed(object);
    }
}

MEGAGRAD_NOINLINE void release_extended(Node* node) {
    for_each_operand(*node, [](Node* operand) { release(operand); });
    if (node->op() == Op::bundle) return;
    const Pause may_run_any_code;
    delete_extension(static_cast<PyExtension*>(node->rhs.extension));
}

MEGAGRAD_INLINE void release_operands(Node* node) {
    if (node->has(extended)) return release_extended(node);
    if (node->has(lhs_is_node)) release(node->lhs.node);
    if (node->has(rhs_is_node)) release(node->rhs.node);
}

MEGAGRAD_NOINLINE void return_to_interpreter(PyValue* value) {
    PyTypeObject* type = Py_TYPE(as_object(value));
    if (type == value_type) node_pool.remove(value);
    type->tp_free(as_object(value));
    const Pause may_free_a_subclass;
    Py_DECREF(type);
}

void free_memory(PyValue* value) {
    PyObject* object = as_object(value);
    // The collector remembers that it has called __del__; the next one to live here has not.
    const bool is_marked = values_had_finalizers && PyObject_GC_IsFinalized(object);
    if (!counts_are_plain || !is_exact_value(object) || is_marked || !node_pool.give(value))
        return_to_interpreter(value);
}

// Frees a node and all that dies of it, in a loop: a graph may be millions deep.
void drain(Node* node) {
    for (;;) {
        release_operands(node);
        free_memory(value_of(node));
        if (dying == nullptr) break;
        node = dying;
        dying = link_of(*node);
    }
}

}  // namespace

PyValue* allocate_from_interpreter() {
    PyValue* value = PyObject_GC_New(PyValue, value_type);
    if (value == nullptr) return nullptr;
    value->weakrefs = nullptr;
    try {
        node_pool.add(value);
    } catch (const std::bad_alloc&) {
        PyObject_GC_Del(value);
        Py_DECREF(value_type);
        PyErr_NoMemory();
        return nullptr;
    }
    return value;
}

PyObject* allocate_blank(PyTypeObject* type, Py_ssize_t) {
    if (type != value_type) return PyType_GenericAlloc(type, 0);
    PyValue* value = allocate();
    if (value == nullptr) return nullptr;
    value->node = Node{};
    if (track_every_node) track(value);
    return as_object(value);
}

void deallocate(PyObject* self) {
    PyValue* value = as_value(self);
    if (!dies_unnoticed(value) && !take_leave(value)) return;
    if (paused_drains == most_paused)
        push_dying(&value->node);
    else
        drain(&value->node);
}

void free_memory_of_value(void* memory) { PyObject_GC_Del(memory); }

int traverse(PyObject* self, visitproc visit, void* arg) {
    Py_VISIT(Py_TYPE(self));
    PyValue* value = as_value(self);
    int stop = 0;
    for_each_operand(value->node, [&](Node* operand) {
        if (stop == 0) stop = visit(object_of(operand), arg);
    });
    if (stop != 0) return stop;
    if (PyExtension* extension = extension_of(value)) {
        Py_VISIT(extension->dict);
        Py_VISIT(extension->closure);
        Py_VISIT(extension->label);  // an instance of a subclass of str may hold anything
        Py_VISIT(extension->op_label);
    }
    return 0;
}

int clear(PyObject* self) {
    PyValue* value = as_value(self);
    reset_to_leaf(value);
    if (PyExtension* extension = extension_of(value)) {
        Py_CLEAR(extension->dict);
        Py_CLEAR(extension->label);
    }
    return 0;
}

void track(PyValue* value) {
    if (value->node.has(tracked)) return;
    value->node.set(tracked);
    if (!PyObject_GC_IsTracked(as_object(value))) PyObject_GC_Track(as_object(value));
}

void track_users(PyValue* value) {
    if (value->node.has(tracked)) return;  // and then so are its users
    track(value);
    if (!value->node.has(consumed) || track_every_node) return;
    track_every_node = true;
    node_pool.for_each([](void* address) {
        PyValue* live = static_cast<PyValue*>(address);
        if (Py_REFCNT(as_object(live)) == 0) return;
        track(live);
        if (is_free_threaded && Py_REFCNT(as_object(live)) == 0)  // another thread's, just now
            PyObject_GC_UnTrack(as_object(live));
        if (is_bulk(live->node.op()))
            for_each_operand(live->node, [](Node* bundle) { track(value_of(bundle)); });
    });
}

void track_before_attaching(PyValue* value, PyObject* attached) {
    if (!PyObject_IS_GC(attached)) return;
    if (PyTuple_CheckExact(attached)) {  // such as a colour or a position: too common to be dear
        bool plain = true;
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(attached); ++i)
            plain &= !PyObject_IS_GC(PyTuple_GET_ITEM(attached, i));
        if (plain) return;
    }
    track_users(value);
}

PyExtension* ensure_extension(PyValue* value) {
    Node& node = value->node;
    if (!node.has(extended)) {
        PyExtension* extension = new (std::nothrow) PyExtension;
        if (extension == nullptr) {
            PyErr_NoMemory();
            return nullptr;
        }
        extension->rhs = node.rhs;
        node.rhs.extension = extension;
        node.set(extended);
    }
    return static_cast<PyExtension*>(node.rhs.extension);
}

void leave_drains_to_other_threads() {
    Pause::leave_to_other_threads([](Pause&) { --paused_drains; });
}

Origin::Origin(PyValue* value) {
    Node& node = value->node;
    if (node.has(lhs_is_node)) lhs_ = object_of(node.lhs.node);
    if (node.has(rhs_is_node)) rhs_ = object_of(rhs_of(node).node);
    if (PyExtension* extension = extension_of(value)) {
        operands_.swap(extension->operands);
        extension->partials.clear();
        closure_ = std::exchange(extension->closure, nullptr);
        op_label_ = std::exchange(extension->op_label, nullptr);
    }
    node.set_op(Op::leaf);
    node.clear(lhs_is_node | rhs_is_node | has_closure | whole_parameter);
}

Origin::~Origin() {
    Py_XDECREF(lhs_);
    Py_XDECREF(rhs_);
    for (Node* operand : operands_) Py_DECREF(object_of(operand));
    Py_XDECREF(closure_);
    Py_XDECREF(op_label_);
}

void reset_to_leaf(PyValue* value) { const Origin dropped(value); }

}  // namespace megagrad::python
