// Bundles as Python objects: made of what the user passes, found again when it is passed anew, and
// given to bulk nodes.
#pragma once

#include "bindings/value/value.hpp"
#include "graph/bundle.hpp"

namespace megagrad::python {

// A vertex of the graph that is no Value: users never see it, but it is counted, known to the
// collector and freed as Values are.
extern PyTypeObject* bundle_type;
bool make_bundle_type();

// Where a bundle comes from, for messages: "dot()", "x".
struct Source {
    const char* function;
    const char* name;
};

// Sets the TypeError for an item that is neither a Value nor a real number.
void refuse_item(Source source, std::size_t i, PyObject* item);

// A list or tuple with the items of an iterable, which may be the iterable itself; null with
// TypeError set if it is none.
Owned items_of(PyObject* iterable, Source source);

// The bundle of these items, Values and real numbers, and of what a sum over them starts from
// (null: a plain 0). A bundle that is alive and has the same contents is used again. `items` become
// a copy if their own code is run. Null with an exception set.
Owned bundle_of_items(Owned& items, PyObject* start, Source source);

// Whether a bulk node would not do what a loop of + does, or of + and *: operators are not ours but
// a subclass's, or patched; or numbers meet numbers that Python does not add as doubles.
bool needs_loop(const Owned& terms);
bool needs_loop(const Owned& weights, const Owned& x);

inline Bundle& bundle_in(const Owned& bundle) { return *as_value(bundle.get())->node.lhs.bundle; }

// A node of a bulk op, or a leaf if there is no Value in the bundles. x: null for an op of one.
PyObject* bulk_node(Op op, double data, const Owned& terms, const Owned& x);

// start + w[0]*x[0] + ..., where the bundle of w has the start.
PyObject* dot_node(const Owned& weights, const Owned& x);

// --- functions of sequences (dot_and_sum.cpp, linear.cpp, losses.cpp) ---------------------------

// A list or tuple, and the bundle of its items.
struct Bundled {
    const Owned &items, &bundle;
};

// bias + w[0]*x[0] + ..., where the bundle of w has the bias; null with an exception set.
PyObject* dot_of_bundles(Bundled w, Bundled x, PyObject* bias, const char* function);

extern PyMethodDef bulk_functions[];        // dot_and_sum.cpp
extern PyMethodDef linear_functions[];      // linear.cpp
extern PyMethodDef functional_functions[];  // losses.cpp
// For iterables of Values and numbers; null with an exception set.
PyObject* dot_of_items(PyObject* w, PyObject* x, PyObject* bias, const char* function);
PyObject* sum_of_items(PyObject* xs, PyObject* start, const char* function);

// --- layers in one call (layer.cpp) -------------------------------------------------------------

extern PyMethodDef layer_functions[];
bool intern_layer_names();

}  // namespace megagrad::python
