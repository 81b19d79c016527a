#include "bindings/bundle/bundle.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "bindings/bundle/bundle_table.hpp"
#include "graph/backward.hpp"

namespace megagrad::python {

PyTypeObject* bundle_type = nullptr;

namespace {

struct PyBundle {
    PyValue vertex;
    Bundle bundle;
    BundleLink<PyBundle> link;
    bool has_values;         // of Value
    bool has_subclass;       // of a class that may be given operators later
    bool has_own_operators;  // of a class that has them
    bool has_other_numbers;  // with which Python does not calculate as with doubles
};

PyBundle* as_bundle(PyObject* object) { return reinterpret_cast<PyBundle*>(object); }

// --- bundles that are alive, by what is in them
// -----------------------------------------------------

BundleTable<PyBundle> bundles_alive;

// Of the number, some of the items, and what a sum starts from; the other items are compared.
std::uint64_t key_of(std::size_t count, const PyObject* first, const PyObject* middle,
                     const PyObject* last, const PyObject* start) {
    std::uint64_t key = count;
    for (const PyObject* object : {first, middle, last, start}) {
        key = (key ^ reinterpret_cast<std::uintptr_t>(object)) * 0x9E3779B97F4A7C15u;
        key ^= key >> 29;
    }
    return key | 1;
}

bool is_start(const Bundle& bundle, PyObject* start) {
    const Node* node = bundle.nodes[bundle.count];
    if (start != nullptr) return node != nullptr && object_of(bundle.nodes[bundle.count]) == start;
    return node == nullptr &&
           std::bit_cast<std::uint64_t>(bundle.values[bundle.count]) == 0;  // not -0.0
}

// Without a branch, in a form that is compiled to SIMD.
bool consists_of(const Bundle& bundle, PyObject* const* items) {
    std::uintptr_t difference = 0;
    for (std::size_t i = 0; i < bundle.count; ++i) {
        const std::uintptr_t item = reinterpret_cast<std::uintptr_t>(items[i]);
        difference |=
            (item + offsetof(PyValue, node)) ^ reinterpret_cast<std::uintptr_t>(bundle.nodes[i]);
    }
    return difference == 0;
}

// The bundle of the same Values, if their data has not changed since it was made; may throw
// std::bad_alloc.
Owned find_bundle(PyObject* const* items, std::size_t count, PyObject* start) {
    if (count == 0) return nullptr;
    PyBundle* found =
        bundles_alive.find(key_of(count, items[0], items[count / 2], items[count - 1], start));
    // One without references is about to be freed.
    if (found == nullptr || Py_REFCNT(&found->vertex) == 0) return nullptr;
    Bundle& bundle = found->bundle;
    if (bundle.count != count || !is_start(bundle, start) || !consists_of(bundle, items))
        return nullptr;
    if (current(bundle) != bundle.values) return nullptr;
    return Owned(Py_NewRef(as_object(&found->vertex)));
}

// May throw std::bad_alloc.
void remember(PyBundle* made) {
    const Bundle& bundle = made->bundle;
    Node** const end = bundle.nodes + bundle.count;
    // Bundles with numbers would not be found; a subclass may be given operators later.
    if (bundle.count == 0 || std::find(bundle.nodes, end, nullptr) != end || made->has_subclass)
        return;
    PyObject* const start = *end == nullptr ? nullptr : object_of(*end);
    if (!is_start(bundle, start)) return;
    bundles_alive.put(made,
                      key_of(bundle.count, object_of(bundle.nodes[0]),
                             object_of(bundle.nodes[bundle.count / 2]), object_of(end[-1]), start));
}

// --- memory ----------------------------------------------------------------------------------

void free_memory_of_bundle(void* memory) {
    auto* made = static_cast<PyBundle*>(memory);
    bundles_alive.remove(made);
    if (made->bundle.now != made->bundle.values) delete[] made->bundle.now;
    PyObject_GC_Del(memory);
}

int traverse_bundle(PyObject* self, visitproc visit, void* arg) {
    Py_VISIT(Py_TYPE(self));
    int stop = 0;
    for_each_node(as_bundle(self)->bundle, [&](Node* operand) {
        if (stop == 0) stop = visit(object_of(operand), arg);
    });
    return stop;
}

// A bundle of zeros; null with MemoryError set.
PyBundle* allocate_bundle(std::size_t count) {
    const std::size_t length = count + 1;
    auto* made = PyObject_GC_NewVar(PyBundle, bundle_type, static_cast<Py_ssize_t>(3 * length));
    if (made == nullptr) return nullptr;
    made->vertex.node = Node{};  // whose data lies where others have ob_size: it stays 0
    made->vertex.weakrefs = nullptr;
    made->link = {};
    made->has_values = made->has_subclass = made->has_own_operators = made->has_other_numbers =
        false;
    auto** nodes = reinterpret_cast<Node**>(made + 1);
    auto* values = reinterpret_cast<double*>(nodes + length);
    std::memset(static_cast<void*>(nodes), 0, 3 * length * sizeof(double));
    made->bundle = {count, nodes, values, values + length, values, data_writes};
    made->vertex.node.lhs.bundle = &made->bundle;
    made->vertex.node.set_op(Op::bundle);
    made->vertex.node.set(extended);
    return made;
}

// --- filling -----------------------------------------------------------------------------------

bool has_own_operators(const PyTypeObject* type) {
    return type->tp_as_number->nb_add != locked<add> ||
           type->tp_as_number->nb_multiply != locked<multiply>;
}

void put_node(PyBundle* made, std::size_t i, PyObject* value) {
    Node* node = &as_value(value)->node;
    made->bundle.nodes[i] = node;
    made->bundle.values[i] = node->data;
    made->has_values = true;
    if (retain(node)) track(&made->vertex);
}

constexpr double small_int = 1 << 20;

enum class Outcome { done, error, needs_code };

// `needs_code`: only code of the object's own class can turn it into a number.
inline Outcome put(PyBundle* made, std::size_t i, PyObject* item) {
    if (is_exact_value(item)) {
        put_node(made, i, item);
        return Outcome::done;
    }
    double& number = made->bundle.values[i];
    if (PyFloat_Check(item)) {
        number = PyFloat_AS_DOUBLE(item);
        made->has_other_numbers |= !PyFloat_CheckExact(item);
        return Outcome::done;
    }
    if (PyLong_Check(item)) {
        number = PyLong_AsDouble(item);
        // Products of small ones, and sums of many, are exact in doubles, too.
        const bool is_plain = PyLong_CheckExact(item) || PyBool_Check(item);
        made->has_other_numbers |= !is_plain || std::fabs(number) > small_int;
        return number == -1.0 && PyErr_Occurred() ? Outcome::error : Outcome::done;
    }
    if (!is_value(item)) return Outcome::needs_code;
    made->has_subclass = true;
    made->has_own_operators |= has_own_operators(Py_TYPE(item));
    put_node(made, i, item);
    return Outcome::done;
}

bool put_by_code(PyBundle* made, std::size_t i, PyObject* item, Source source) {
    made->has_other_numbers = true;
    const int real = to_number(item, made->bundle.values[i]);
    if (real == 0 && i < made->bundle.count) refuse_item(source, i, item);
    if (real == 0 && i == made->bundle.count)
        PyErr_Format(PyExc_TypeError,
                     "%s needs a Value or a real number to start from, not a '%.100s'",
                     source.function, Py_TYPE(item)->tp_name);
    return real > 0;
}

PyObject** array_of(PyObject* items) { return PySequence_Fast_ITEMS(items); }
std::size_t length_of(PyObject* items) {
    return static_cast<std::size_t>(PySequence_Fast_GET_SIZE(items));
}

Owned new_bundle(Owned& items, PyObject* start, Source source) {
    const std::size_t count = length_of(items.get());
    PyBundle* made = allocate_bundle(count);  // may run the collector, and so any code
    if (made == nullptr) return nullptr;
    Owned bundle(as_object(&made->vertex));
    if (length_of(items.get()) != count) {
        PyErr_Format(PyExc_RuntimeError, "%s changed size meanwhile", source.name);
        return nullptr;
    }
    for (std::size_t i = 0; i <= count; ++i) {
        PyObject* item = i < count ? array_of(items.get())[i] : start;
        if (item == nullptr) continue;
        const Outcome outcome = put(made, i, item);
        if (outcome == Outcome::error) return nullptr;
        if (outcome == Outcome::done) continue;
        if (!PyTuple_CheckExact(items.get())) {  // which that code may change
            items.reset(PySequence_Tuple(items.get()));
            return items ? new_bundle(items, start, source) : nullptr;
        }
        if (!put_by_code(made, i, item, source)) return nullptr;
    }
    return bundle;
}

// Of a bundle that gets a user. While it has none, track_users() does not find it.
Node* vertex_of(const Owned& bundle) {
    if (track_every_node) track(as_value(bundle.get()));
    return &as_value(bundle.get())->node;
}

bool has_values(const Owned& bundle) { return as_bundle(bundle.get())->has_values; }

}  // namespace

bool make_bundle_type() {
    PyType_Slot slots_of_type[] = {
        {Py_tp_dealloc, reinterpret_cast<void*>(deallocation<deallocate>)},
        {Py_tp_traverse, reinterpret_cast<void*>(traverse_bundle)},
        {Py_tp_free, reinterpret_cast<void*>(free_memory_of_bundle)},
        {0, nullptr}};
    PyType_Spec spec{"megagrad._core.Operands", sizeof(PyBundle), sizeof(double),
                     Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION |
                         Py_TPFLAGS_IMMUTABLETYPE,
                     slots_of_type};
    bundle_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
    return bundle_type != nullptr;
}

bool needs_loop(const Owned& terms) {
    const PyBundle* made = as_bundle(terms.get());
    return made->has_own_operators || made->has_other_numbers || has_own_operators(value_type);
}

bool needs_loop(const Owned& weights, const Owned& x) {
    const PyBundle *w = as_bundle(weights.get()), *y = as_bundle(x.get());
    if (w->has_own_operators || y->has_own_operators || has_own_operators(value_type)) return true;
    if (!w->has_other_numbers && !y->has_other_numbers) return false;
    for (std::size_t i = 0; i < w->bundle.count; ++i)
        if (w->bundle.nodes[i] == nullptr && y->bundle.nodes[i] == nullptr) return true;
    return false;
}

void refuse_item(Source source, std::size_t i, PyObject* item) {
    PyErr_Format(PyExc_TypeError, "%s needs Values and real numbers, but %s[%zu] is a '%.100s'",
                 source.function, source.name, i, Py_TYPE(item)->tp_name);
}

Owned items_of(PyObject* iterable, Source source) {
    if (PyList_CheckExact(iterable) || PyTuple_CheckExact(iterable))
        return Owned(Py_NewRef(iterable));
    if (std::strcmp(Py_TYPE(iterable)->tp_name, "numpy.ndarray") == 0) {
        // An array makes a list in a fraction of the time that going through its items takes.
        Owned list(PyObject_CallMethod(iterable, "tolist", nullptr));
        if (!list || PyList_CheckExact(list.get())) return list;
    }
    const Owned iterator(PyObject_GetIter(iterable));
    if (iterator) return tuple_of_items(iterator.get());
    if (PyErr_ExceptionMatches(PyExc_TypeError))
        PyErr_Format(PyExc_TypeError,
                     "%s needs a sequence of Values and real numbers as %s, not a '%.100s'",
                     source.function, source.name, Py_TYPE(iterable)->tp_name);
    return nullptr;
}

Owned bundle_of_items(Owned& items, PyObject* start, Source source) {
    items.reset(unchanging_items(items.get()));
    if (!items) return nullptr;
    try {
        if (start == Py_None) start = nullptr;
        Owned bundle = find_bundle(array_of(items.get()), length_of(items.get()), start);
        if (bundle) return bundle;
        bundle = new_bundle(items, start, source);
        if (bundle) remember(as_bundle(bundle.get()));
        return bundle;
    } catch (const std::bad_alloc&) {
        PyErr_NoMemory();
        return nullptr;
    }
}

PyObject* bulk_node(Op op, double data, const Owned& terms, const Owned& x) {
    if (!has_values(terms) && !(x && has_values(x))) return new_number(data);
    Operand lhs, rhs{};
    unsigned flags = lhs_is_node;
    lhs.node = vertex_of(terms);
    if (x) {
        rhs.node = vertex_of(x);
        flags |= rhs_is_node;
    }
    return new_node(op, data, lhs, rhs, flags);
}

}  // namespace megagrad::python
