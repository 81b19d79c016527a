#include "program/record/draft.hpp"

#include <algorithm>
#include <bit>
#include <stdexcept>

#include "graph/backward.hpp"
#include "program/record/fusion.hpp"

namespace megagrad {

namespace {

// A value has so many places of its own among those near it; an entry is looked for in so many.
constexpr std::size_t places_each = 2, places_tried = 16;

bool is_commutative(Op op) { return op == Op::add || op == Op::mul; }

bool is_same(const Draft::Entry& a, const Draft::Entry& b) {
    if (a.op != b.op) return false;
    return (a.x == b.x && a.y == b.y) || (is_commutative(a.op) && a.x == b.y && a.y == b.x);
}

// The same for both orders of the operands.
std::uint64_t hash(const Draft::Entry& entry) {
    const std::uint64_t low = std::min(entry.x, entry.y), high = std::max(entry.x, entry.y);
    return (low << 8 | static_cast<std::uint64_t>(entry.op)) * 0x9e3779b97f4a7c15ULL + high;
}

}  // namespace

void Draft::refuse_if_full() const {
    if (entries_.size() + constants_.size() >= largest_program)
        throw std::length_error("the graph is too large to be recorded: over 2 billion values");
}

Id Draft::append(const Entry& entry) {
    refuse_if_full();
    entries_.push_back(entry);
    if (entry.op != Op::leaf) ++operations_;
    return static_cast<Id>(entries_.size() - 1);
}

Id Draft::constant(double number) {
    const auto bits = [](double x) { return std::bit_cast<std::uint64_t>(x); };
    const auto bits_of = [&](Id id) { return bits(number_of(id)); };
    return numbers_.find_or_add(
        bits(number), [&](Id id) { return bits_of(id) == bits(number); },
        [&] {
            refuse_if_full();
            constants_.push_back(number);
            return constant_bit | static_cast<Id>(constants_.size() - 1);
        },
        bits_of);
}

Id Draft::apply(Op op, Id x, Id y) {
    ++counts_.recorded;
    if (is_constant(x) && (y == no_operand || is_constant(y))) {
        ++counts_.folded;
        return constant(evaluate(op, number_of(x), y == no_operand ? 0.0 : number_of(y)));
    }
    const std::size_t before = operations_;
    Id id = simplified(op, x, y);
    const bool is_simpler = id != no_operand;
    if (!is_simpler) id = merged({op, x, y});
    if (operations_ == before) ++(is_simpler ? counts_.folded : counts_.merged);
    return id;
}

// What gives the same number with less work; no_operand if nothing does.
Id Draft::simplified(Op op, Id x, Id y) {
    switch (op) {
        case Op::mul:
            return is_constant(y, 1) ? x : is_constant(x, 1) ? y : no_operand;
        case Op::div:
            return is_constant(y, 1) ? x : no_operand;
        case Op::pow:
            if (is_constant(y, 0)) return constant(1);
            if (is_constant(y, 1)) return x;
            if (!contract_) return no_operand;  // the library's pow may round these otherwise
            if (is_constant(y, 2)) return merged({Op::mul, x, x});
            if (is_constant(y, -1)) {
                const Id one = constant(1);
                return merged({Op::div, one, x});
            }
            return no_operand;
        default:
            return no_operand;
    }
}

// The entry that is the same as this one, which is appended if there is none.
Id Draft::merged(const Entry& entry) {
    if (Id* place = place_near(entry); place != nullptr) {
        if (*place == no_operand) *place = append(entry);
        return *place;
    }
    return elsewhere_.find_or_add(
        hash(entry), [&](Id id) { return is_same(entries_[id], entry); },
        [&] { return append(entry); }, [&](Id id) { return hash(entries_[id]); });
}

// Where `near_` has the entry, or would have it; null if the places near are taken, by users of an
// operand that has many. They lie by the number of the later operand, so that a program that is
// recorded from front to back goes through them from front to back, too: a place at random is a
// miss of the caches for every node of a large graph.
Id* Draft::place_near(const Entry& entry) {
    make_room_near();
    const bool has_one = entry.y == no_operand || is_constant(entry.y);
    const Id later = has_one                ? entry.x
                     : is_constant(entry.x) ? entry.y
                                            : std::max(entry.x, entry.y);
    Id* place = &near_[places_each * std::size_t{later} + (hash(entry) >> 32) % places_tried];
    for (Id* const end = place + places_tried; place < end; ++place)
        if (*place == no_operand || is_same(entries_[*place], entry)) return place;
    return nullptr;
}

void Draft::make_room_near() {
    constexpr std::size_t at_once = 1 << 10;
    const std::size_t needed = places_each * (entries_.size() + places_tried);
    if (near_.size() < needed) near_.resize(needed + at_once, no_operand);
}

Program Draft::finish(const std::vector<Id>& outputs) const {
    return Fusion(*this, outputs).program();
}

}  // namespace megagrad
