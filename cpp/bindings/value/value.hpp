// `Value`: a graph node that is a Python object.
//
// This type and its slots are written against CPython's C API, because one operator call has to
// cost no more than building a float. Each file of this folder holds one concern.
#pragma once

#include <Python.h>
#include <structmember.h>

#include <cstddef>
#include <new>
#include <string>
#include <vector>

#include "bindings/support/engine_lock.hpp"
#include "bindings/support/owned.hpp"
#include "bindings/value/grad_mode.hpp"
#include "bindings/value/pool.hpp"
#include "graph/node.hpp"
#include "platform/compiler.hpp"

namespace megagrad::python {

// 64 bytes, and 80 with the collector's header: five quarters of a cache line.
struct PyValue {
    PyObject_HEAD
    Node node;
    PyObject* weakrefs;
};

// What a Value holds beyond numbers. All are owned, any may be null.
struct PyExtension : Extension {
    PyObject* dict = nullptr;      // free attributes
    PyObject* label = nullptr;     // str
    PyObject* op_label = nullptr;  // str: `_op` of a custom op, or as the user set it
    PyObject* closure = nullptr;   // callable: the user's `_backward`
};

extern PyTypeObject* value_type;

// A free-threaded Python keeps a part of each count with a thread, which settles it later, and
// marks in each object for its collector: there, counts are neither judged by nor set, and memory
// is not used again without the interpreter.
inline constexpr bool counts_are_plain = !is_free_threaded;

inline PyObject* as_object(PyValue* value) { return reinterpret_cast<PyObject*>(value); }
inline PyValue* as_value(PyObject* object) { return reinterpret_cast<PyValue*>(object); }
inline PyValue* value_of(Node* node) {
    return reinterpret_cast<PyValue*>(reinterpret_cast<char*>(node) - offsetof(PyValue, node));
}
inline PyObject* object_of(Node* node) { return as_object(value_of(node)); }

inline bool is_exact_value(PyObject* object) { return Py_TYPE(object) == value_type; }
inline bool is_value(PyObject* object) {
    return is_exact_value(object) || PyType_IsSubtype(Py_TYPE(object), value_type);
}

// --- memory (memory.cpp) ------------------------------------------------------------------------

extern NodePool node_pool;

// Set once an object was attached to a node that was an operand already: from then on every node
// is known to the collector, since any might be part of a cycle. New leaves then begin so, and what
// is computed from a known node is known.
extern bool track_every_node;

PyValue* allocate_from_interpreter();  // null with MemoryError set

// A new exact Value, without weak references, whose node the caller must fill in; null with
// MemoryError set.
MEGAGRAD_INLINE PyValue* allocate() {
    void* memory = node_pool.take();
    if (memory == nullptr) return allocate_from_interpreter();
    PyValue* value = static_cast<PyValue*>(memory);
    Py_SET_REFCNT(as_object(value), 1);
    return value;
}

PyObject* allocate_blank(PyTypeObject* type, Py_ssize_t);  // tp_alloc: a leaf, 0
void deallocate(PyObject* self);
void free_memory_of_value(void* memory);
int traverse(PyObject* self, visitproc visit, void* arg);
int clear(PyObject* self);

// Makes the collector see `value`.
void track(PyValue* value);
// The same, and all that may depend on it: before `value` comes to hold what may lead back to it.
void track_users(PyValue* value);
void track_before_attaching(PyValue* value, PyObject* attached);

inline PyExtension* extension_of(const PyValue* value) {
    return value->node.has(extended) ? static_cast<PyExtension*>(value->node.rhs.extension)
                                     : nullptr;
}
PyExtension* ensure_extension(PyValue* value);  // null with MemoryError set

// In a process that fork() made: what other threads were freeing does not go on.
void leave_drains_to_other_threads();

// What a node was computed from, taken out of it: the node is a leaf, with its attributes, once
// this is made. When this ends, operands, closure and op label are let go, which may run any code.
class Origin {
public:
    explicit Origin(PyValue* value);
    ~Origin();
    Origin(const Origin&) = delete;
    Origin& operator=(const Origin&) = delete;

private:
    PyObject *lhs_ = nullptr, *rhs_ = nullptr, *closure_ = nullptr, *op_label_ = nullptr;
    std::vector<Node*> operands_;
};
void reset_to_leaf(PyValue* value);

// --- arithmetic (arithmetic.cpp) ----------------------------------------------------------------

// What counts as a number, wherever one is taken: a float, an int, what is registered as a real
// number, and whatever else has a __float__ and is not more than a number, such as an array of no
// dimensions. Not a Value, which would silently lose its gradient.
// 1: `object` is one, now in `number`; 0: it is not; -1: an exception is set.
int to_number(PyObject* object, double& number);
// For loops over Python's operators: the object itself, or the float that it counts as where its
// class computes with no floats, as Decimal. Null with an exception set.
PyObject* plain_operand(PyObject* object);
// Whether it is a masked array, a date or a time span; then a TypeError is set.
bool refuse_more_than_a_number(PyObject* object, const char* what);
// The same of the items of lists, of which NumPy would make plain numbers.
bool refuse_more_than_numbers(PyObject* object, const char* what, int depth = 0);
extern PyMethodDef number_functions[];  // of the module
// The same as to_number(), with a TypeError for what is none; false with an exception set.
bool number_or_type_error(PyObject* object, const char* what, double& number);

// Counts a new user's reference to its operand; says whether the user has to be tracked, too.
inline bool retain(Node* operand) {
    Py_INCREF(object_of(operand));
    operand->set(consumed);
    return operand->has(tracked);
}
inline void adopt(PyValue* user, Node* operand) {
    if (retain(operand)) track(user);
}

// A node that refers to its operands; null with MemoryError set.
MEGAGRAD_INLINE PyObject* graph_node(Op op, double data, Operand lhs, Operand rhs, unsigned flags) {
    PyValue* result = allocate();
    if (result == nullptr) return nullptr;
    result->node = Node{
        data, 0.0, lhs, rhs, 0, static_cast<std::uint8_t>(op), static_cast<std::uint8_t>(flags)};
    bool track_it = false;
    if (flags & lhs_is_node) track_it |= retain(lhs.node);
    if (flags & rhs_is_node) track_it |= retain(rhs.node);
    if (op == Op::leaf) track_it = track_every_node;
    if (track_it) [[unlikely]]
        track(result);
    return as_object(result);
}

// The same, but within no_grad().
MEGAGRAD_INLINE PyObject* new_node(Op op, double data, Operand lhs, Operand rhs, unsigned flags) {
    if (threads_in_no_grad != 0) [[unlikely]]
        return node_by_mode(op, data, lhs, rhs, flags);
    return graph_node(op, data, lhs, rhs, flags);
}

PyObject* new_leaf(double data);
PyObject* new_number(double data);  // a leaf that stands for a plain number

// A comparison's result is true or false; every other Value is true, as an object of micrograd's.
inline bool is_comparison(Op op) {
    return op == Op::less || op == Op::less_equal || op == Op::greater || op == Op::greater_equal;
}

// The result of a unary op, or of a parametric one with its default, on a Value.
PyObject* apply(Op op, PyObject* value);
PyObject* apply(Op op, PyObject* a, PyObject* b);  // of two Values
// Whether Value's method of that op is still ours: the class is open, and may have been patched.
bool is_native_method(Op op);
bool remember_native_methods();  // called once

std::vector<PyMethodDef> table_methods();  // those of the op table
PyObject* add(PyObject* a, PyObject* b);
PyObject* subtract(PyObject* a, PyObject* b);
PyObject* multiply(PyObject* a, PyObject* b);
PyObject* divide(PyObject* a, PyObject* b);
PyObject* power(PyObject* a, PyObject* b, PyObject* modulus);
PyObject* negative(PyObject* self);
PyObject* absolute(PyObject* self);

// --- bulk nodes (bundle/unfold.cpp) -------------------------------------------------------------

// Makes a bulk node the last addition of the loop that it stands for, in place, and its operands
// the nodes that the loop would have made; false with an exception set.
bool unfold(PyValue* value);
inline bool unfold_if_bulk(PyValue* value) { return !is_bulk(value->node.op()) || unfold(value); }

// --- docstrings (docstrings.cpp) ---------------------------------------------------------------

std::string number_text(double number);  // as Python's repr writes it; may throw std::bad_alloc
const char* documentation(Op op);        // a method's docstring, with its signature

// --- construction (construction.cpp) ------------------------------------------------------------

// Of Value(), under their first names. All but the data may be null; op and label are strs.
struct Arguments {
    PyObject *data = nullptr, *children = nullptr, *op = nullptr, *partials = nullptr,
             *label = nullptr, *grad = nullptr;
};
bool make_anew(PyValue* value, const Arguments& arguments);  // or it stays as it is
// Makes it a node of the user's own, whose operands and local gradients its extension has. Without
// any of the latter it is flagged as one with a closure, as it has no rule until it gets that.
void become_custom(PyValue* value);
PyObject* construct(PyTypeObject* type, PyObject* args, PyObject* kwargs);
PyObject* vectorcall(PyObject* type, PyObject* const* args, std::size_t nargsf, PyObject* names);
int initialize(PyObject* self, PyObject* args, PyObject* kwargs);
bool set_operands(PyValue* value, PyObject* children, PyObject* partials);

// --- attributes (attributes.cpp) ----------------------------------------------------------------

PyObject* get_attribute(PyObject* self, PyObject* name);
int set_attribute(PyObject* self, PyObject* name, PyObject* value);
bool intern_attribute_names();
// Python gives the instances of a subclass a __dict__ of their own, unless it has __slots__.
bool keeps_attributes_in_extension(PyObject* self);
bool store_attribute(PyValue* value, PyObject* name, PyObject* object);  // in the extension
PyObject* children_tuple(PyObject* self);  // new; null with an exception set
bool set_object(PyValue* value, PyObject* PyExtension::* field, PyObject* object);
extern PyGetSetDef attributes[];
extern PyMethodDef attribute_methods[];

// --- what a Value refuses (mistakes.cpp) --------------------------------------------------------

PyObject* refuse_float(PyObject*);
void fill_refusing_slots(PyTypeObject* type);
extern PyMethodDef refusal_methods[];
// After an AttributeError: it also names the attribute that was probably meant.
void suggest_attribute(PyObject* self, PyObject* name);

// --- repr(), print() and format() (repr.cpp) ----------------------------------------------------

PyObject* represent(PyObject* self);
PyObject* to_string(PyObject* self);
extern PyMethodDef text_methods[];

// --- backward (backward.cpp) --------------------------------------------------------------------

PyObject* get_backward(PyObject* self, void*);
int set_backward(PyObject* self, PyObject* closure, void*);
extern PyMethodDef backward_methods[];

// --- state (state.cpp) --------------------------------------------------------------------------

// (what __getstate__ gives, label, op label, closure), with None where there is nothing of the
// kind; None if there is nothing at all.
PyObject* state_of(PyObject* self);
bool apply_state(PyObject* self, PyObject* state);
// A state as pickle knows it: a dict of attributes, or a pair of that and a dict of slots. Both are
// borrowed, and None where there is nothing.
struct StateParts {
    PyObject *dict, *slots;
};
bool split_state(PyObject* state, StateParts& parts);  // false, without an exception, if it is none
bool set_attributes(PyObject* self, const StateParts& parts);
// Names of methods that a subclass may have of its own. They are made when the module is loaded, so
// that no want of memory can look like there being no such method.
struct MethodNames {
    PyObject *deepcopy, *getstate, *reduce, *setstate;
};
extern MethodNames method_names;
bool intern_method_names();
// Whether a subclass of Value has a method of its own where `base` has another, or none.
bool overrides(PyTypeObject* type, PyTypeObject* base, PyObject* name);

// --- pickles of other classes of that name (setstate.cpp) ---------------------------------------

PyObject* set_state_of_another_class(PyObject* self, PyObject* state);
extern PyMethodDef setstate_methods[];

// --- copies and pickles (copy.cpp, pickle.cpp, restore.cpp) -------------------------------------

extern PyMethodDef copy_methods[];
extern PyMethodDef pickle_methods[];
extern PyMethodDef restore_function, set_state_function;
inline constexpr const char* number_name = "number";  // of a leaf that stands for a plain number
bool make_pickling_types();
bool make_copy_map_type();

// --- what a graph consists of (census.cpp) ------------------------------------------------------

extern PyMethodDef census_functions[];

// --- the type (type.cpp) ------------------------------------------------------------------------

PyTypeObject* make_value_type();  // null with an exception set

}  // namespace megagrad::python
