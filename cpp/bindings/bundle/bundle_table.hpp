// Bundles that are alive, by what is in them.
//
// A neuron's weights serve for all points of a batch, a vector of inputs for all rows of a matrix.
// A bundle that was found gathers a gradient in one sum where two bundles would make two, so what
// is found must not depend on addresses: runs of a program would differ in the last bits. So the
// key is made of operands that the bundle keeps alive, and no bundle displaces another one's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace megagrad::python {

// What a bundle has for it: the key, or 0 if the table does not have it, and the next one of the
// same bucket.
template <class Bundle>
struct BundleLink {
    std::uint64_t key = 0;
    Bundle* next = nullptr;
};

// Has the last bundle of each key, and owns none. Bundle has a member `link`.
template <class Bundle>
class BundleTable {
public:
    Bundle* find(std::uint64_t key) { return *place(key); }

    // Instead of an earlier bundle of the same key; may throw std::bad_alloc.
    void put(Bundle* bundle, std::uint64_t key) {
        if (count_ == buckets_.size()) grow();
        if (Bundle* const earlier = find(key)) remove(earlier);
        bundle->link = {key, bucket(key)};
        bucket(key) = bundle;
        ++count_;
    }

    void remove(Bundle* bundle) {
        if (bundle->link.key == 0) return;
        *place(bundle->link.key) = bundle->link.next;
        bundle->link = {};
        --count_;
    }

private:
    Bundle*& bucket(std::uint64_t key) { return buckets_[(key >> 32) & (buckets_.size() - 1)]; }

    // Where the bundle of that key is, or would be at the bucket's end.
    Bundle** place(std::uint64_t key) {
        Bundle** at = &bucket(key);
        while (*at != nullptr && (*at)->link.key != key) at = &(*at)->link.next;
        return at;
    }

    void grow() {
        std::vector<Bundle*> old(2 * buckets_.size());
        old.swap(buckets_);
        for (Bundle* bundle : old)
            while (bundle != nullptr) {
                Bundle* const next = bundle->link.next;
                bundle->link.next = bucket(bundle->link.key);
                bucket(bundle->link.key) = bundle;
                bundle = next;
            }
    }

    std::vector<Bundle*> buckets_ = std::vector<Bundle*>(4096);
    std::size_t count_ = 0;
};

}  // namespace megagrad::python
