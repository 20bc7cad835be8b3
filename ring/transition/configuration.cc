#include "ring/transition/configuration.h"

#include <algorithm>

namespace coterie::transition {

bool may_delete_copy(const Configuration& configuration, NodeId node) {
#ifdef COTERIE_PLANT_EARLY_DELETE  // defined only where a test must see it
  if (configuration.stage == Stage::cut_over) {
    return std::ranges::count(configuration.new_owners, node) == 0;
  }
#endif
  return !configuration.is_changing() && std::ranges::count(configuration.old_owners, node) == 0;
}

}  // namespace coterie::transition
