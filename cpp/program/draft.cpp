#include "draft.hpp"

#include <algorithm>
#include <bit>
#include <stdexcept>
#include <utility>

#include "backward.hpp"
#include "fusion.hpp"

namespace megagrad {

namespace {

std::uint64_t mixed(std::uint64_t x) {  // the finaliser of MurmurHash3
    x = (x ^ (x >> 33)) * 0xff51afd7ed558ccdULL;
    x = (x ^ (x >> 33)) * 0xc4ceb9fe1a85ec53ULL;
    return x ^ (x >> 33);
}

// A value has so many places of its own among those near it; an entry is looked for in so many.
constexpr std::size_t places_each = 2, places_tried = 16;

bool is_commutative(Op op) { return op == Op::add || op == Op::mul; }

}  // namespace

Id Draft::append(const Entry& entry) {
    if (entries_.size() >= largest_program)
        throw std::length_error("the graph is too large to be recorded: over 2 billion values");
    entries_.push_back(entry);
    if (entry.op != Op::leaf) ++operations_;
    return static_cast<Id>(entries_.size() - 1);
}

Id Draft::constant(double number) {
    constants_.push_back(number);
    const Id index = static_cast<Id>(constants_.size() - 1);
    const Id id = merged({Op::leaf, static_cast<Id>(Leaf::constant), index});
    if (entries_[id].y != index) constants_.pop_back();
    return id;
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
    Id* place = is(Leaf::constant, entry) ? nullptr : place_near(entry);
    if (place == nullptr) {
        make_room_elsewhere();
        place = place_elsewhere(entry);
        listed_ += *place == no_operand;
    }
    if (*place == no_operand) *place = append(entry);
    return *place;
}

bool Draft::is_same(const Entry& a, const Entry& b) const {
    if (a.op != b.op) return false;
    if (is(Leaf::constant, a) && is(Leaf::constant, b))
        return std::bit_cast<std::uint64_t>(constants_[a.y]) ==
               std::bit_cast<std::uint64_t>(constants_[b.y]);
    return (a.x == b.x && a.y == b.y) || (is_commutative(a.op) && a.x == b.y && a.y == b.x);
}

bool Draft::has_or_is_free(Id place, const Entry& entry) const {
    return place == no_operand || is_same(entries_[place], entry);
}

// Where `near_` has the entry, or would have it; null if the places near are taken. They lie by the
// number of the later operand, so that a program that is recorded from front to back goes through
// them from front to back, too: a place at random is a miss of the caches for every node of a large
// graph.
Id* Draft::place_near(const Entry& entry) {
    make_room_near();
    const Id second = entry.y == no_operand ? 0 : entry.y;
    const std::uint64_t earlier = std::min(entry.x, second), later = std::max(entry.x, second);
    const std::uint64_t hash =
        (earlier << 8 | static_cast<std::uint64_t>(entry.op)) * 0x9e3779b97f4a7c15ULL;
    Id* place = &near_[places_each * later + (hash >> 32) % places_tried];
    for (Id* const end = place + places_tried; place < end; ++place)
        if (has_or_is_free(*place, entry)) return place;
    return nullptr;
}

// The same for `elsewhere_`, where constants are and users of an operand that has many.
Id* Draft::place_elsewhere(const Entry& entry) {
    const std::uint64_t earlier = std::min(entry.x, entry.y), later = std::max(entry.x, entry.y);
    const std::uint64_t content =
        is(Leaf::constant, entry)
            ? std::bit_cast<std::uint64_t>(constants_[entry.y])
            : (earlier << 8 | static_cast<std::uint64_t>(entry.op)) * 0x9e3779b97f4a7c15ULL + later;
    const std::size_t last = elsewhere_.size() - 1;
    for (std::size_t at = mixed(content) & last;; at = (at + 1) & last)
        if (has_or_is_free(elsewhere_[at], entry)) return &elsewhere_[at];
}

void Draft::make_room_near() {
    constexpr std::size_t at_once = 1 << 10;
    const std::size_t needed = places_each * (entries_.size() + places_tried);
    if (near_.size() < needed) near_.resize(needed + at_once, no_operand);
}

void Draft::make_room_elsewhere() {
    if (4 * (listed_ + 1) <= 3 * elsewhere_.size()) return;
    const std::size_t size = std::max<std::size_t>(2 * elsewhere_.size(), 64);
    const Array<Id> earlier = std::exchange(elsewhere_, Array<Id>(size, no_operand));
    for (const Id id : earlier)
        if (id != no_operand) *place_elsewhere(entries_[id]) = id;
}

Program Draft::finish(const std::vector<Id>& outputs) const {
    return Fusion(*this, outputs).program();
}

}  // namespace megagrad
