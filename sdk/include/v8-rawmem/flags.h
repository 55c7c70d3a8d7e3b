#ifndef V8_RAWMEM_FLAGS_H_
#define V8_RAWMEM_FLAGS_H_

#include <cctype>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "v8-initialization.h"

namespace v8_rawmem {

// Sets V8 flags, separated by white space, one by one, so that one which V8
// refuses does not end the list. v8::V8::SetFlagsFromString stops there.
//
// Returns the refused ones in their order, empty if V8 took all: flags that it
// does not know, with the word behind them if that may be their value; flags
// whose value it cannot read, which it also reports on stderr; and words that
// belong to no flag. A refused value may have changed its flag.
//
// Call it before v8::V8::Initialize. Afterwards, V8 ends the process, unless
// --no-freeze-flags-after-init was among the flags before. Flags that are set
// afterwards do not set those that they imply.
inline std::vector<std::string> SetFlags(std::string_view flags) {
  std::istringstream words{std::string(flags)};
  std::vector<std::string> list;
  for (std::string word; words >> word;)
    list.push_back(word);

  // A negative number is a value.
  const auto is_flag = [](const std::string& word) {
    return word[0] == '-' &&
           !(word.size() > 1 &&
             std::isdigit(static_cast<unsigned char>(word[1])));
  };
  std::vector<std::string> refused;
  for (size_t i = 0; i < list.size(); ++i) {
    std::string& flag = list[i];
    if (!is_flag(flag)) {
      refused.push_back(flag);
      continue;
    }
    const bool has_value = flag.find('=') == std::string::npos &&
                           i + 1 < list.size() && !is_flag(list[i + 1]);
    // V8 removes what it takes, and leaves the rest.
    char program[] = "";
    char* arguments[] = {program, flag.data(),
                         has_value ? list[i + 1].data() : nullptr, nullptr};
    int count = has_value ? 3 : 2;
    v8::V8::SetFlagsFromCommandLine(&count, arguments, true);
    if (count == 1) {
      i += has_value;
    } else if (arguments[1] == flag.data()) {
      refused.push_back(has_value ? flag + " " + list[++i] : flag);
    }
    // Otherwise, the flag takes no value: the next word is looked at by itself.
  }
  return refused;
}

}  // namespace v8_rawmem

#endif  // V8_RAWMEM_FLAGS_H_
