#include "tests/sim/scale_heap.h"

#include <malloc.h>

#include <cstdlib>
#include <new>

namespace {

std::size_t held = 0;

void* take(std::size_t size) {
  void* const block = std::malloc(size == 0 ? 1 : size);
  if (block == nullptr) throw std::bad_alloc();
  held += malloc_usable_size(block);
  return block;
}

void give_back(void* block) {
  held -= malloc_usable_size(block);
  std::free(block);
}

}  // namespace

namespace coterie::sim {

std::size_t heap_bytes() {
  return held;
}

}  // namespace coterie::sim

// The array and nothrow forms call these. What is aligned beyond the default is not counted.
void* operator new(std::size_t size) {
  return take(size);
}

void operator delete(void* block) noexcept {
  give_back(block);
}

void operator delete(void* block, std::size_t) noexcept {
  give_back(block);
}
