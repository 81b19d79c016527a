// Rows of operands as Python objects: made of what the user passes, found again when it is passed
// anew, and given to bulk nodes.
#pragma once

#include "bindings/value/value.hpp"
#include "graph/bundle.hpp"

namespace megagrad::python {

// A vertex of the graph that is no Value: users never see it, but it is counted, known to the
// collector and freed as Values are.
extern PyTypeObject* operands_type;
bool make_operands_type();

// Where a row comes from, for messages: "dot()", "x".
struct Source {
    const char* function;
    const char* name;
};

// Sets the TypeError for an item that is neither a Value nor a real number.
void refuse_item(Source source, std::size_t i, PyObject* item);

// A list or tuple with the items of an iterable, which may be the iterable itself; null with
// TypeError set if it is none.
Owned items_of(PyObject* iterable, Source source);

// The row of these items, Values and real numbers, and of what a sum over them starts from (null: a
// plain 0). A row that is alive and has the same contents is used again. `items` become a copy if
// their own code is run. Null with an exception set.
Owned row_of_items(Owned& items, PyObject* start, Source source);

// Whether a bulk node would not do what a loop of + does, or of + and *: operators are not ours but
// a subclass's, or patched; or numbers meet numbers that Python does not add as doubles.
bool needs_loop(const Owned& terms);
bool needs_loop(const Owned& weights, const Owned& x);

inline Operands& operands_in(const Owned& row) { return *as_value(row.get())->node.lhs.operands; }

// start + w[0]*x[0] + ..., where the row of w has the start; a leaf if there is no Value in either.
PyObject* dot_node(const Owned& weights, const Owned& x);
// A unary or parametric op, with its default, on that.
PyObject* neuron_node(Op op, const Owned& weights, const Owned& x);
PyObject* sum_node(const Owned& terms);

// --- functions of sequences (bulk_functions.cpp, functional.cpp) --------------------------------

extern PyMethodDef bulk_functions[];        // bulk_functions.cpp
extern PyMethodDef functional_functions[];  // functional.cpp
// For iterables of Values and numbers; null with an exception set.
PyObject* dot_of_items(PyObject* w, PyObject* x, PyObject* bias, const char* function);
PyObject* sum_of_items(PyObject* xs, PyObject* start, const char* function);

// --- layers in one call (layer.cpp) -------------------------------------------------------------

extern PyMethodDef layer_functions[];
bool intern_layer_names();

}  // namespace megagrad::python
