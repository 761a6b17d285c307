#pragma once

#include <span>
#include <string>
#include <string_view>

#include "rules/template_value.h"

// Go's fmt for the values of templates: what print, printf, println and plain {{ actions }} write.
// Deviations: a list of samples prints its elements, where Go prints addresses.

namespace canopy::rules {

// As the verb %v.
void AppendValue(std::string& out, const Value& v);

// As an action prints it: what a pointer points to, and "<no value>" for what is not there.
void AppendPrinted(std::string& out, const Value& v);

// fmt.Sprint: a space between two operands when neither is a string.
std::string GoSprint(std::span<const Value> args);
// fmt.Sprintln: spaces between all of them, a newline at the end.
std::string GoSprintln(std::span<const Value> args);
// fmt.Sprintf, with Go's remarks on wrong verbs and arguments in the text ("%!d(string=hi)"). Stops
// when the text is longer than `limit` bytes: the result is then longer than that.
std::string GoSprintf(std::string_view format, std::span<const Value> args, size_t limit);

}  // namespace canopy::rules
