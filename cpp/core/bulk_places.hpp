// Where bulk nodes are in a long list. Code of the user's may ask for one after another, and would
// else go through all of the list for each. What it unfolds to is still moved into the list's
// middle, at the speed of memory.
#pragma once

#include <cstddef>
#include <memory>
#include <unordered_map>

#include "bulk.hpp"

namespace megagrad {

class BulkPlaces {
public:
    static constexpr std::size_t nowhere = static_cast<std::size_t>(-1);

    // These two may throw std::bad_alloc. Most lists are never asked for: nothing is made before.
    void note(const Node& node, std::size_t place) {
        if (!is_bulk(node.op())) return;
        if (!places_) places_ = std::make_unique<Map>();
        (*places_)[&node] = place;
    }
    // Notes what is in the list from the last one noted so on; node_of(i) is its i-th node.
    template <class NodeOf>
    void note_until(std::size_t end, NodeOf node_of) {
        for (; noted_ < end; ++noted_) note(*node_of(noted_), noted_);
    }

    std::size_t of(const Node& node) const {
        if (!places_) return nowhere;
        const auto found = places_->find(&node);
        return found == places_->end() ? nowhere : found->second;
    }

private:
    using Map = std::unordered_map<const Node*, std::size_t>;
    std::unique_ptr<Map> places_;
    std::size_t noted_ = 0;
};

}  // namespace megagrad
