// Value numbering: an operation that was recorded before is found again, and so is a constant.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "graph/op.hpp"
#include "platform/array.hpp"
#include "platform/marked_number.hpp"

namespace megagrad {

// A recorded value: the number of an operation or leaf, or, marked, of a constant.
struct Ref : MarkedNumber {
    constexpr explicit Ref(std::uint32_t number, bool is_constant = false)
        : MarkedNumber(number, is_constant) {}
    constexpr bool is_constant() const { return is_marked() && bits() != ~std::uint32_t{0}; }
};
inline constexpr Ref no_ref{~std::uint32_t{0}};

// An operation on x and y (y: no_ref if it has one operand).
struct Operation {
    Op op;
    Ref x, y;

    bool operator==(const Operation& other) const {
        if (op != other.op) return false;
        return (x == other.x && y == other.y) || (commutes(op) && x == other.y && y == other.x);
    }
    // The same for both orders of the operands.
    std::uint64_t hash() const {
        const std::uint64_t low = std::min(x.bits(), y.bits()), high = std::max(x.bits(), y.bits());
        return (low << 8 | static_cast<std::uint64_t>(op)) * 0x9e3779b97f4a7c15ULL + high;
    }
};

// A set of numbers that are found by the hash of what they number.
class HashTable {
public:
    static constexpr std::uint32_t nothing = ~std::uint32_t{0};

    // The number for which `is_it` holds, or else the one that `make` returns, which is taken in.
    // `hash_of` gives the hash of a number that is in the table.
    template <class IsIt, class Make, class HashOf>
    std::uint32_t find_or_add(std::uint64_t hash, IsIt is_it, Make make, HashOf hash_of) {
        if (4 * (count_ + 1) > 3 * places_.size()) grow(hash_of);
        std::uint32_t& place = place_of(hash, is_it);
        if (place == nothing) {
            place = make();
            ++count_;
        }
        return place;
    }

private:
    // Where the number is for which `is_it` holds, or would be.
    template <class IsIt>
    std::uint32_t& place_of(std::uint64_t hash, IsIt is_it) {
        const std::size_t last = places_.size() - 1;  // the size is a power of two
        for (std::size_t at = mixed(hash) & last;; at = (at + 1) & last)
            if (places_[at] == nothing || is_it(places_[at])) return places_[at];
    }

    static std::uint64_t mixed(std::uint64_t x) {  // the finaliser of MurmurHash3
        x = (x ^ (x >> 33)) * 0xff51afd7ed558ccdULL;
        x = (x ^ (x >> 33)) * 0xc4ceb9fe1a85ec53ULL;
        return x ^ (x >> 33);
    }

    template <class HashOf>
    void grow(HashOf hash_of) {
        const std::size_t size = std::max<std::size_t>(64, 2 * places_.size());
        const auto earlier = std::exchange(places_, Array<std::uint32_t>(size, nothing));
        for (const std::uint32_t number : earlier)
            if (number != nothing)
                place_of(hash_of(number), [](std::uint32_t) { return false; }) = number;
    }

    Array<std::uint32_t> places_;
    std::size_t count_ = 0;
};

// The values of a recording in the order of making, each operation once. An operation is looked for
// near its later operand first, so that a program that is recorded from front to back goes through
// memory so, too: a place at random is a miss of the caches for every node of a large graph.
class ValueTable {
public:
    const Array<Operation>& values() const { return values_; }

    std::uint32_t append(const Operation& operation) {
        values_.push_back(operation);
        return static_cast<std::uint32_t>(values_.size() - 1);
    }

    // The number of the operation; `make` appends it if there is none.
    template <class Make>
    std::uint32_t find_or(const Operation& operation, Make make) {
        if (std::uint32_t* place = place_near(operation); place != nullptr) {
            if (*place == HashTable::nothing) *place = make();
            return *place;
        }
        return elsewhere_.find_or_add(
            operation.hash(), [&](std::uint32_t number) { return values_[number] == operation; },
            make, [&](std::uint32_t number) { return values_[number].hash(); });
    }

private:
    // Each value has so many places of its own, for its users; so many are looked at.
    static constexpr std::size_t places_each = 2, places_tried = 16;

    // Null if the places near are taken, as with an operand that has many users.
    std::uint32_t* place_near(const Operation& operation) {
        make_room();
        const auto& [op, x, y] = operation;
        const bool has_one = y == no_ref || y.is_constant();
        const std::uint32_t later = has_one           ? x.number()
                                    : x.is_constant() ? y.number()
                                                      : std::max(x.number(), y.number());
        std::uint32_t* place =
            &near_[places_each * std::size_t{later} + (operation.hash() >> 32) % places_tried];
        for (std::uint32_t* const end = place + places_tried; place < end; ++place)
            if (*place == HashTable::nothing || values_[*place] == operation) return place;
        return nullptr;
    }

    void make_room() {
        constexpr std::size_t at_once = 1 << 10;
        const std::size_t needed = places_each * (values_.size() + places_tried);
        if (near_.size() < needed) near_.resize(needed + at_once, HashTable::nothing);
    }

    Array<Operation> values_;
    Array<std::uint32_t> near_;
    HashTable elsewhere_;
};

}  // namespace megagrad
