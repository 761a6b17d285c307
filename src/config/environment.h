#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace canopy::config {

// Replaces $NAME and ${NAME} in `text` by `value_of(NAME)`, as Go's os.Expand does: "$$" asks for
// the name "$", and a "$" that no name follows stays.
std::string ExpandEnvironment(std::string_view text,
                              const std::function<std::string(const std::string&)>& value_of);

}  // namespace canopy::config
