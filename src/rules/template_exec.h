#pragma once

#include <string>

#include "canopy/rules/template.h"
#include "rules/template_functions.h"
#include "rules/template_tree.h"
#include "rules/template_value.h"

namespace canopy::rules {

// Runs a parsed template on `dot`. kExecution with Go's words: "template: NAME:1:3: executing
// \"NAME\" at <.Foo>: can't evaluate field Foo in type string".
Result<std::string> ExecuteTemplate(const TemplateTree& tree, Value dot, const FunctionEnv& env,
                                    const TemplateLimits& limits);

}  // namespace canopy::rules
