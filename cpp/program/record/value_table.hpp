// A set of Ids that are found by the hash of what they stand for.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "platform/array.hpp"
#include "program/program.hpp"

namespace megagrad {

inline constexpr Id no_id = ~Id{0};

class IdTable {
public:
    // The Id for which `is_it` holds, or else the one that `make` returns, which is taken in.
    // `hash_of` gives the hash of an Id that is in the table.
    template <class IsIt, class Make, class HashOf>
    Id find_or_add(std::uint64_t hash, IsIt is_it, Make make, HashOf hash_of) {
        if (4 * (count_ + 1) > 3 * places_.size()) grow(hash_of);
        Id& place = place_of(hash, is_it);
        if (place == no_id) {
            place = make();
            ++count_;
        }
        return place;
    }

private:
    // Where the Id is for which `is_it` holds, or would be.
    template <class IsIt>
    Id& place_of(std::uint64_t hash, IsIt is_it) {
        const std::size_t last = places_.size() - 1;  // the size is a power of two
        for (std::size_t at = mixed(hash) & last;; at = (at + 1) & last)
            if (places_[at] == no_id || is_it(places_[at])) return places_[at];
    }

    static std::uint64_t mixed(std::uint64_t x) {  // the finaliser of MurmurHash3
        x = (x ^ (x >> 33)) * 0xff51afd7ed558ccdULL;
        x = (x ^ (x >> 33)) * 0xc4ceb9fe1a85ec53ULL;
        return x ^ (x >> 33);
    }

    template <class HashOf>
    void grow(HashOf hash_of) {
        const std::size_t size = std::max<std::size_t>(64, 2 * places_.size());
        const Array<Id> earlier = std::exchange(places_, Array<Id>(size, no_id));
        for (const Id id : earlier)
            if (id != no_id) place_of(hash_of(id), [](Id) { return false; }) = id;
    }

    Array<Id> places_;
    std::size_t count_ = 0;
};

}  // namespace megagrad
