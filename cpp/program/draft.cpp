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

bool is_commutative(Op op) { return op == Op::add || op == Op::mul; }

}  // namespace

Draft::Draft(std::size_t expected) {
    entries_.reserve(expected);
    table_.assign(std::bit_ceil(2 * expected + 64), no_operand);
}

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
    make_room();
    Id* place = place_of(entry);
    if (*place == no_operand) {
        *place = append(entry);
        ++listed_;
    }
    return *place;
}

bool Draft::is_same(const Entry& a, const Entry& b) const {
    if (a.op != b.op) return false;
    if (is(Leaf::constant, a) && is(Leaf::constant, b))
        return std::bit_cast<std::uint64_t>(constants_[a.y]) ==
               std::bit_cast<std::uint64_t>(constants_[b.y]);
    return (a.x == b.x && a.y == b.y) || (is_commutative(a.op) && a.x == b.y && a.y == b.x);
}

// Where the table has the entry, or would have it. The first places to look at lie by the number of
// the later operand, so that a program that is recorded from front to back goes through the table
// from front to back, too: a place at random is a miss of the caches for every node of a large
// graph. Where an operand has too many users for that, places are at random.
Id* Draft::place_of(const Entry& entry) {
    const bool is_number = is(Leaf::constant, entry);
    const std::size_t last = table_.size() - 1;
    const Id second = entry.y == no_operand ? 0 : entry.y;
    const Id earlier = std::min(entry.x, second), later = std::max(entry.x, second);
    std::uint64_t hash =
        is_number ? mixed(std::bit_cast<std::uint64_t>(constants_[entry.y]))
                  : mixed((std::uint64_t{earlier} << 8 | static_cast<std::uint64_t>(entry.op)) *
                              0x9e3779b97f4a7c15ULL +
                          later);
    constexpr std::size_t neighbours = 16;
    std::size_t at = 2 * std::size_t{later} + hash % neighbours;
    for (std::size_t tries = is_number ? 0 : neighbours; tries > 0; --tries, ++at) {
        Id* place = &table_[at & last];
        if (*place == no_operand || is_same(entries_[*place], entry)) return place;
    }
    for (at = hash;; ++at) {
        Id* place = &table_[at & last];
        if (*place == no_operand || is_same(entries_[*place], entry)) return place;
    }
}

void Draft::make_room() {
    if (4 * (listed_ + 1) <= 3 * table_.size()) return;
    const Array<Id> earlier = std::exchange(table_, {});
    table_.assign(2 * earlier.size(), no_operand);
    for (const Id id : earlier)
        if (id != no_operand) *place_of(entries_[id]) = id;
}

Program Draft::finish(const std::vector<Id>& outputs) const {
    return Fusion(*this, outputs).program();
}

}  // namespace megagrad
