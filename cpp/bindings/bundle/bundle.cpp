#include "bindings/bundle/bundle.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "bindings/bundle/bundle_table.hpp"
#include "graph/backward.hpp"

namespace megagrad::python {

PyTypeObject* operands_type = nullptr;

namespace {

struct PyOperands {
    PyValue vertex;
    Operands row;
    RowLink<PyOperands> link;
    bool has_values;         // of Value
    bool has_subclass;       // of a class that may be given operators later
    bool has_own_operators;  // of a class that has them
    bool has_other_numbers;  // with which Python does not calculate as with doubles
};

PyOperands* as_operands(PyObject* object) { return reinterpret_cast<PyOperands*>(object); }

// --- rows that are alive, by what is in them -----------------------------------------------------

RowTable<PyOperands> rows_alive;

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

bool is_start(const Operands& row, PyObject* start) {
    const Node* node = row.nodes[row.count];
    if (start != nullptr) return node != nullptr && object_of(row.nodes[row.count]) == start;
    return node == nullptr && std::bit_cast<std::uint64_t>(row.values[row.count]) == 0;  // not -0.0
}

// Without a branch, in a form that is compiled to SIMD.
bool consists_of(const Operands& row, PyObject* const* items) {
    std::uintptr_t difference = 0;
    for (std::size_t i = 0; i < row.count; ++i) {
        const std::uintptr_t item = reinterpret_cast<std::uintptr_t>(items[i]);
        difference |=
            (item + offsetof(PyValue, node)) ^ reinterpret_cast<std::uintptr_t>(row.nodes[i]);
    }
    return difference == 0;
}

// The row of the same Values, if their data has not changed since it was made; may throw
// std::bad_alloc.
Owned find_row(PyObject* const* items, std::size_t count, PyObject* start) {
    if (count == 0) return nullptr;
    PyOperands* found =
        rows_alive.find(key_of(count, items[0], items[count / 2], items[count - 1], start));
    // One without references is about to be freed.
    if (found == nullptr || Py_REFCNT(&found->vertex) == 0) return nullptr;
    Operands& row = found->row;
    if (row.count != count || !is_start(row, start) || !consists_of(row, items)) return nullptr;
    if (current(row) != row.values) return nullptr;
    return Owned(Py_NewRef(as_object(&found->vertex)));
}

// May throw std::bad_alloc.
void remember(PyOperands* operands) {
    const Operands& row = operands->row;
    Node** const end = row.nodes + row.count;
    // Rows with numbers would not be found; a subclass may be given operators later.
    if (row.count == 0 || std::find(row.nodes, end, nullptr) != end || operands->has_subclass)
        return;
    PyObject* const start = *end == nullptr ? nullptr : object_of(*end);
    if (!is_start(row, start)) return;
    rows_alive.put(operands,
                   key_of(row.count, object_of(row.nodes[0]), object_of(row.nodes[row.count / 2]),
                          object_of(end[-1]), start));
}

// --- memory ----------------------------------------------------------------------------------

void free_memory_of_row(void* memory) {
    auto* operands = static_cast<PyOperands*>(memory);
    rows_alive.remove(operands);
    if (operands->row.now != operands->row.values) delete[] operands->row.now;
    PyObject_GC_Del(memory);
}

int traverse_row(PyObject* self, visitproc visit, void* arg) {
    Py_VISIT(Py_TYPE(self));
    int stop = 0;
    for_each_node(as_operands(self)->row, [&](Node* operand) {
        if (stop == 0) stop = visit(object_of(operand), arg);
    });
    return stop;
}

// A row of zeros; null with MemoryError set.
PyOperands* allocate_row(std::size_t count) {
    const std::size_t length = count + 1;
    auto* operands =
        PyObject_GC_NewVar(PyOperands, operands_type, static_cast<Py_ssize_t>(3 * length));
    if (operands == nullptr) return nullptr;
    operands->vertex.node = Node{};  // whose data lies where others have ob_size: it stays 0
    operands->vertex.weakrefs = nullptr;
    operands->link = {};
    operands->has_values = operands->has_subclass = operands->has_own_operators =
        operands->has_other_numbers = false;
    auto** nodes = reinterpret_cast<Node**>(operands + 1);
    auto* values = reinterpret_cast<double*>(nodes + length);
    std::memset(static_cast<void*>(nodes), 0, 3 * length * sizeof(double));
    operands->row = {count, nodes, values, values + length, values, data_writes};
    operands->vertex.node.lhs.operands = &operands->row;
    operands->vertex.node.set_op(Op::operands);
    operands->vertex.node.set(extended);
    return operands;
}

// --- filling -----------------------------------------------------------------------------------

bool has_own_operators(const PyTypeObject* type) {
    return type->tp_as_number->nb_add != locked<add> ||
           type->tp_as_number->nb_multiply != locked<multiply>;
}

void put_node(PyOperands* operands, std::size_t i, PyObject* value) {
    Node* node = &as_value(value)->node;
    operands->row.nodes[i] = node;
    operands->row.values[i] = node->data;
    operands->has_values = true;
    if (retain(node)) track(&operands->vertex);
}

constexpr double small_int = 1 << 20;

enum class Outcome { done, error, needs_code };

// `needs_code`: only code of the object's own class can turn it into a number.
inline Outcome put(PyOperands* operands, std::size_t i, PyObject* item) {
    if (is_exact_value(item)) {
        put_node(operands, i, item);
        return Outcome::done;
    }
    double& number = operands->row.values[i];
    if (PyFloat_Check(item)) {
        number = PyFloat_AS_DOUBLE(item);
        operands->has_other_numbers |= !PyFloat_CheckExact(item);
        return Outcome::done;
    }
    if (PyLong_Check(item)) {
        number = PyLong_AsDouble(item);
        // Products of small ones, and sums of many, are exact in doubles, too.
        const bool is_plain = PyLong_CheckExact(item) || PyBool_Check(item);
        operands->has_other_numbers |= !is_plain || std::fabs(number) > small_int;
        return number == -1.0 && PyErr_Occurred() ? Outcome::error : Outcome::done;
    }
    if (!is_value(item)) return Outcome::needs_code;
    operands->has_subclass = true;
    operands->has_own_operators |= has_own_operators(Py_TYPE(item));
    put_node(operands, i, item);
    return Outcome::done;
}

bool put_by_code(PyOperands* operands, std::size_t i, PyObject* item, Source source) {
    operands->has_other_numbers = true;
    const int real = to_number(item, operands->row.values[i]);
    if (real == 0 && i < operands->row.count) refuse_item(source, i, item);
    if (real == 0 && i == operands->row.count)
        PyErr_Format(PyExc_TypeError,
                     "%s needs a Value or a real number to start from, not a '%.100s'",
                     source.function, Py_TYPE(item)->tp_name);
    return real > 0;
}

PyObject** array_of(PyObject* items) { return PySequence_Fast_ITEMS(items); }
std::size_t length_of(PyObject* items) {
    return static_cast<std::size_t>(PySequence_Fast_GET_SIZE(items));
}

Owned new_row(Owned& items, PyObject* start, Source source) {
    const std::size_t count = length_of(items.get());
    PyOperands* operands = allocate_row(count);  // may run the collector, and so any code
    if (operands == nullptr) return nullptr;
    Owned row(as_object(&operands->vertex));
    if (length_of(items.get()) != count) {
        PyErr_Format(PyExc_RuntimeError, "%s changed size meanwhile", source.name);
        return nullptr;
    }
    for (std::size_t i = 0; i <= count; ++i) {
        PyObject* item = i < count ? array_of(items.get())[i] : start;
        if (item == nullptr) continue;
        const Outcome outcome = put(operands, i, item);
        if (outcome == Outcome::error) return nullptr;
        if (outcome == Outcome::done) continue;
        if (!PyTuple_CheckExact(items.get())) {  // which that code may change
            items.reset(PySequence_Tuple(items.get()));
            return items ? new_row(items, start, source) : nullptr;
        }
        if (!put_by_code(operands, i, item, source)) return nullptr;
    }
    return row;
}

// Of a row that gets a user. While it has none, track_users() does not find it.
Node* vertex_of(const Owned& row) {
    if (track_every_node) track(as_value(row.get()));
    return &as_value(row.get())->node;
}

PyObject* node_of_rows(Op op, double data, const Owned& weights, const Owned& x) {
    Operand lhs, rhs;
    lhs.node = vertex_of(weights);
    rhs.node = vertex_of(x);
    return new_node(op, data, lhs, rhs, lhs_is_node | rhs_is_node);
}

bool has_values(const Owned& row) { return as_operands(row.get())->has_values; }

}  // namespace

bool make_operands_type() {
    PyType_Slot slots_of_type[] = {
        {Py_tp_dealloc, reinterpret_cast<void*>(deallocation<deallocate>)},
        {Py_tp_traverse, reinterpret_cast<void*>(traverse_row)},
        {Py_tp_free, reinterpret_cast<void*>(free_memory_of_row)},
        {0, nullptr}};
    PyType_Spec spec{"megagrad._core.Operands", sizeof(PyOperands), sizeof(double),
                     Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION |
                         Py_TPFLAGS_IMMUTABLETYPE,
                     slots_of_type};
    operands_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
    return operands_type != nullptr;
}

bool needs_loop(const Owned& terms) {
    const PyOperands* operands = as_operands(terms.get());
    return operands->has_own_operators || operands->has_other_numbers ||
           has_own_operators(value_type);
}

bool needs_loop(const Owned& weights, const Owned& x) {
    const PyOperands *w = as_operands(weights.get()), *y = as_operands(x.get());
    if (w->has_own_operators || y->has_own_operators || has_own_operators(value_type)) return true;
    if (!w->has_other_numbers && !y->has_other_numbers) return false;
    for (std::size_t i = 0; i < w->row.count; ++i)
        if (w->row.nodes[i] == nullptr && y->row.nodes[i] == nullptr) return true;
    return false;
}

void refuse_item(Source source, std::size_t i, PyObject* item) {
    PyErr_Format(PyExc_TypeError, "%s needs Values and real numbers, but %s[%zu] is a '%.100s'",
                 source.function, source.name, i, Py_TYPE(item)->tp_name);
}

Owned items_of(PyObject* iterable, Source source) {
    if (PyList_CheckExact(iterable) || PyTuple_CheckExact(iterable))
        return Owned(Py_NewRef(iterable));
    const Owned iterator(PyObject_GetIter(iterable));
    if (iterator) return tuple_of_items(iterator.get());
    if (PyErr_ExceptionMatches(PyExc_TypeError))
        PyErr_Format(PyExc_TypeError,
                     "%s needs a sequence of Values and real numbers as %s, not a '%.100s'",
                     source.function, source.name, Py_TYPE(iterable)->tp_name);
    return nullptr;
}

Owned row_of_items(Owned& items, PyObject* start, Source source) {
    items.reset(unchanging_items(items.get()));
    if (!items) return nullptr;
    try {
        if (start == Py_None) start = nullptr;
        Owned row = find_row(array_of(items.get()), length_of(items.get()), start);
        if (row) return row;
        row = new_row(items, start, source);
        if (row) remember(as_operands(row.get()));
        return row;
    } catch (const std::bad_alloc&) {
        PyErr_NoMemory();
        return nullptr;
    }
}

PyObject* dot_node(const Owned& weights, const Owned& x) {
    const double data = dot(operands_in(weights), operands_in(x));
    if (!has_values(weights) && !has_values(x)) return new_number(data);
    return node_of_rows(Op::dot, data, weights, x);
}

PyObject* neuron_node(Op op, const Owned& weights, const Owned& x) {
    const double parameter = info(op).default_parameter;
    const double data = evaluate(op, dot(operands_in(weights), operands_in(x)), parameter);
    if (std::isfinite(data)) return node_of_rows(on_dot(op), data, weights, x);
    const Owned sum(dot_node(weights, x));  // for the op to check
    return sum ? apply(op, sum.get()) : nullptr;
}

PyObject* sum_node(const Owned& terms) {
    const double data = sum(operands_in(terms));
    if (!has_values(terms)) return new_number(data);
    Operand lhs;
    lhs.node = vertex_of(terms);
    return new_node(Op::sum, data, lhs, {}, lhs_is_node);
}

}  // namespace megagrad::python
