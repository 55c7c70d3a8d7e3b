#include "border.h"

#include "store.h"

namespace rawmem {

Entry::Entry(const Border& border, Store* store)
    : agent_(border.agent()), previous_(agent_->entered_) {
  agent_->entered_ = store;
  // Whatever runs may drop references.
  agent_->may_have_garbage_ = true;
  is_open_ = store == nullptr || store->Open();
}

}  // namespace rawmem
