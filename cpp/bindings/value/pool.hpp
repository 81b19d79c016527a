// Which addresses hold Values, and which of those are free to be used again.
//
// Memory comes from the interpreter's allocator; the pool only remembers it, one bit for every 16
// bytes. Free nodes are handed out in the order of their addresses: a list, last freed first used,
// ends up as a random permutation after a few training steps, and a graph scattered so over memory
// takes four times as long to walk. The bits of all nodes in use serve to find them when the
// collector has to know them after all.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "platform/compiler.hpp"

namespace megagrad::python {

class NodePool {
public:
    // A free node, or null if there is none.
    MEGAGRAD_INLINE void* take() {
        if (word_ == 0 && !next_word()) return nullptr;
        const auto bit = static_cast<std::uintptr_t>(std::countr_zero(word_));
        word_ &= word_ - 1;
        --free_count_;
        return reinterpret_cast<void*>(word_address_ + bit * granule);
    }

    // Keeps a node to be taken again; false if there are enough.
    MEGAGRAD_INLINE bool give(const void* address) {
        if (free_count_ == most_free) return false;
        ++free_count_;
        const std::uintptr_t offset = reinterpret_cast<std::uintptr_t>(address) - word_address_;
        if (offset < 64 * granule) {
            word_ |= bit_at(offset / granule);
            return true;
        }
        give_elsewhere(address);
        return true;
    }

    // Remembers a node that the interpreter's allocator gave; may throw std::bad_alloc.
    void add(const void* address) {
        Region* region = region_of(address);
        if (region == nullptr) {
            region = recent_ = &regions_[number_of(address)];
            region->address = number_of(address) * region_size;
        }
        region->nodes[index_of(address) / 64] |= bit_at(index_of(address));
        ++region->node_count;
    }

    // Forgets a node in use, before it goes back there.
    void remove(const void* address) {
        Region* region = region_of(address);
        region->nodes[index_of(address) / 64] &= ~bit_at(index_of(address));
        if (--region->node_count == 0) erase(region);
    }

    // Nodes in use and free ones.
    template <class Visit>
    void for_each(Visit visit) const {
        for (const auto& [number, region] : regions_)
            for (std::size_t word = 0; word < words; ++word)
                for (std::uint64_t bits = region.nodes[word]; bits != 0; bits &= bits - 1) {
                    const auto index = word * 64 + static_cast<std::size_t>(std::countr_zero(bits));
                    visit(reinterpret_cast<void*>(region.address + index * granule));
                }
    }

private:
    // 10 MiB: enough for the nodes of a typical training step, little enough to keep.
    static constexpr std::size_t most_free = std::size_t{1} << 17;
    static constexpr std::uintptr_t granule = 2 * sizeof(void*);  // the allocator's alignment
    static constexpr std::uintptr_t region_size = std::uintptr_t{1} << 20;
    static constexpr std::size_t words = region_size / granule / 64;

    struct Region {
        std::uintptr_t address = 0;
        std::size_t node_count = 0;
        Region* next_listed = nullptr;
        bool is_listed = false;
        std::array<std::uint64_t, words / 64> words_with_free{};
        std::array<std::uint64_t, words> free{};  // less the bits that are in word_
        std::array<std::uint64_t, words> nodes{};
    };

    static std::uintptr_t number_of(const void* address) {
        return reinterpret_cast<std::uintptr_t>(address) / region_size;
    }
    static std::size_t index_of(const void* address) {
        return reinterpret_cast<std::uintptr_t>(address) % region_size / granule;
    }
    static std::uint64_t bit_at(std::size_t index) { return std::uint64_t{1} << (index % 64); }

    Region* region_of(const void* address) {
        if (recent_ == nullptr || recent_->address != number_of(address) * region_size) {
            const auto found = regions_.find(number_of(address));
            recent_ = found == regions_.end() ? nullptr : &found->second;
        }
        return recent_;
    }

    // Frees a node outside of word_.
    MEGAGRAD_NOINLINE void give_elsewhere(const void* address) {
        Region& region = *region_of(address);
        const std::size_t granule_index = index_of(address);
        region.free[granule_index / 64] |= bit_at(granule_index);
        region.words_with_free[granule_index / 64 / 64] |= bit_at(granule_index / 64);
        if (!region.is_listed && &region != current_) {
            region.is_listed = true;
            region.next_listed = listed_;
            listed_ = &region;
        }
    }

    // Turns to the lowest free nodes of the current region, or else of another one.
    MEGAGRAD_NOINLINE bool next_word() {
        for (;;) {
            if (current_ != nullptr)
                for (std::size_t i = 0; i < current_->words_with_free.size(); ++i)
                    if (std::uint64_t& bits = current_->words_with_free[i]; bits != 0) {
                        const std::size_t word =
                            i * 64 + static_cast<std::size_t>(std::countr_zero(bits));
                        bits &= bits - 1;
                        word_ = current_->free[word];
                        current_->free[word] = 0;
                        word_address_ = current_->address + word * 64 * granule;
                        return true;
                    }
            if (listed_ == nullptr) return false;
            current_ = listed_;
            listed_ = current_->next_listed;
            current_->is_listed = false;
        }
    }

    void erase(Region* region) {
        for (Region** link = &listed_; *link != nullptr; link = &(*link)->next_listed)
            if (*link == region) {
                *link = region->next_listed;
                break;
            }
        if (current_ == region) current_ = nullptr;
        recent_ = nullptr;
        regions_.erase(region->address / region_size);
    }

    std::uint64_t word_ = 0;           // the free nodes that are handed out at present,
    std::uintptr_t word_address_ = 0;  // and where the first of its granules lies
    std::size_t free_count_ = 0;
    Region* current_ = nullptr;  // the region of word_
    Region* listed_ = nullptr;   // others with free nodes
    Region* recent_ = nullptr;   // looked up last
    std::unordered_map<std::uintptr_t, Region> regions_;
};

}  // namespace megagrad::python
