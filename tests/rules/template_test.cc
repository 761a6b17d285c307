// The template language, text by text. The expected texts are what Go's text/template makes of the
// same templates with Prometheus's functions, its error messages included: their columns count the
// 118 bytes of definitions that come before each alert's own text.

#include "canopy/rules/template.h"

#include <boost/test/unit_test.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace canopy::rules {
namespace {

TemplateData Data() {
  TemplateData data;
  data.labels =
      model::Labels{{"instance", "host.example.com:9100"}, {"job", "node"}, {"dev", "sda"}};
  data.value = 7.5;
  data.external_labels = model::Labels{{"cluster", "eu"}};
  data.external_url = "http://testhost:9090/path/prefix";
  data.now = Timestamp::FromMs(1353755652000);
  data.query = [](std::string_view expr, Timestamp) -> Result<std::vector<TemplateSample>> {
    if (expr == "fail") return Status::Execution("query failed");
    if (expr == "none") return std::vector<TemplateSample>();
    return std::vector<TemplateSample>{
        {model::Labels{{"__name__", "m"}, {"instance", "b"}}, 21},
        {model::Labels{{"__name__", "m"}, {"instance", "a"}, {"x", "y"}}, 11.5}};
  };
  return data;
}

// The text, or the error message in its place.
std::string Expand(std::string_view text, const TemplateLimits& limits = {}) {
  const Result<Template> parsed = ParseAlertTemplate("A", text);
  if (!parsed.ok()) return parsed.status().message();
  const Result<std::string> out = parsed->Expand(Data(), limits);
  return out.ok() ? *out : out.status().message();
}

void f(std::string_view text, std::string_view want) {
  BOOST_TEST_CONTEXT(text) { BOOST_TEST(Expand(text) == want); }
}

BOOST_AUTO_TEST_CASE(text_and_actions) {
  f("plain text", "plain text");
  f("{{ 1 }}", "1");
  f("a {{- 1 -}} b", "a1b");
  f("a  {{- /* gone */ -}}  b", "ab");
  f("{{/* c */}}x", "x");
  f("x{{ \"}}\" }}y", "x}}y");
  f("{{\"quoted\\t\\\"x\\\"\\u00e9\"}} {{`raw \"x\"`}}", "quoted\t\"x\"é raw \"x\"");
  f("{{true}} {{false}} {{1.5}} {{0x1f}} {{1e3}} {{'a'}} {{1_000}} {{-3}}",
    "true false 1.5 31 1000 97 1000 -3");
  f("}} {", "}} {");
  f("{{ print \"a\" 1 2 \"b\" 3 true 4 }}", "a1 2b3 true 4");
  f("{{println 1 \"a\"}}", "1 a\n");
}

BOOST_AUTO_TEST_CASE(labels_and_values) {
  f("{{ $labels.instance }} {{ $labels.nope }}|", "host.example.com:9100 |");
  f("{{ .Labels.job }} {{ .Value }} {{ $value }}", "node 7.5 7.5");
  f("{{ $externalLabels.cluster }} {{ .ExternalLabels.cluster }} {{ $externalURL }} {{ "
    ".ExternalURL }}",
    "eu eu http://testhost:9090/path/prefix http://testhost:9090/path/prefix");
  f("{{ $labels }}", "map[dev:sda instance:host.example.com:9100 job:node]");
  f("{{ . }}",
    "{map[dev:sda instance:host.example.com:9100 job:node] map[cluster:eu] "
    "http://testhost:9090/path/prefix 7.5}");
  f("{{ index $labels \"job\" }} {{ index $labels \"x y\" }}|", "node |");
  f("{{ $value | humanize }} {{ humanize $value }}", "7.5 7.5");
  f("{{ printf \"%.2f\" $value }} {{ $value | printf \"%.0f\" }}", "7.50 8");
}

BOOST_AUTO_TEST_CASE(variables) {
  f("{{ $x := 1 }}{{ $x }}{{ $x = 2 }}{{ $x }}", "12");
  f("{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ $x := 3 }}{{ $x }}{{ end }}{{ $x }}", "32");
  f("{{ with $x := \"a\" }}{{ $x }}{{ . }}{{ end }}", "aa");
  f("{{ $x := $labels }}{{ $x.job }}", "node");
}

BOOST_AUTO_TEST_CASE(control) {
  f("{{ if eq $labels.job \"node\" }}yes{{ else }}no{{ end }}", "yes");
  f("{{ if gt $value 10.0 }}a{{ else if gt $value 5.0 }}b{{ else }}c{{ end }}", "b");
  f("{{ if and (eq 1 1) (not false) }}1{{ end }}", "1");
  f("{{ if or \"\" 0 nil }}1{{ else }}2{{ end }}", "2");
  f("{{ with $labels.nope }}a{{ else }}b{{ end }}", "b");
  f("{{ with $labels.job }}{{ . }}{{ end }}", "node");
  f("{{ range $k, $v := $labels }}{{ $k }}={{ $v }};{{ end }}",
    "dev=sda;instance=host.example.com:9100;job=node;");
  f("{{ range $i, $s := query \"m\" }}{{ $i }}:{{ $s.Labels.instance }}={{ $s.Value }} {{ end }}",
    "0:b=21 1:a=11.5 ");
  f("{{ range query \"m\" | sortByLabel \"instance\" }}{{ .Labels.instance }}:{{ .Value }}: {{ end "
    "}}",
    "a:11.5: b:21: ");
  f("{{ range query \"none\" }}x{{ else }}none{{ end }}", "none");
  f("{{ range $i, $e := query \"m\" }}{{ if eq $i 1 }}{{ break }}{{ end }}{{ $i }}{{ end }}", "0");
  f("{{ range $i, $e := query \"m\" }}{{ if eq $i 0 }}{{ continue }}{{ end }}{{ $i }}{{ end }}",
    "1");
  f("{{ define \"x\" }}<{{ .arg0 }} {{ .arg1 }}>{{ end }}{{ template \"x\" (args 1 \"2\") }}",
    "<1 2>");
  f("{{ define \"x\" }}{{ . }}{{ end }}{{ template \"x\" }}", "<no value>");
  f("{{ block \"b\" $labels.job }}[{{ . }}]{{ end }}", "[node]");
}

BOOST_AUTO_TEST_CASE(functions) {
  f("{{ query \"m\" | first | value }} {{ query \"m\" | first | label \"instance\" }}", "21 b");
  f("{{ len $labels }} {{ len \"abc\" }} {{ len (query \"m\") }}", "3 3 2");
  f("{{ slice \"abcdef\" 1 3 }} {{ slice \"abc\" 2 }} {{ slice \"abc\" }}", "bc c abc");
  f("{{ index \"abc\" 1 }}", "98");
  f("{{ eq 1 2 1 }} {{ ne 1 2 }} {{ lt 1 2 }} {{ le 2 2 }} {{ gt \"b\" \"a\" }} {{ ge 1.5 2.5 }}",
    "true true true true true false");
  f("{{ html \"<a href='x'>&\\\"\" }} {{ js \"it's <b> = \\\"x\\\"\\n\" }} {{ urlquery \"a b&c\" "
    "}}",
    "&lt;a href=&#39;x&#39;&gt;&amp;&#34; it\\'s \\u003Cb\\u003E \\u003D \\\"x\\\"\\u000A a+b%26c");
  f("{{ reReplaceAll \"(a)b\" \"x$1\" \"ab abb\" }} {{ reReplaceAll \"\" \"-\" \"abc\" }} {{ "
    "reReplaceAll \"(?P<w>[a-z]+)\" \"<${w}>\" \"ab 1 cd\" }} {{ reReplaceAll \"o*\" \"0\" \"foo "
    "bar\" }}",
    "xa xab -a-b-c- <ab> 1 <cd> 0f0 0b0a0r0");
  f("{{ match \"a+\" \"xaay\" }} {{ match \"^a+$\" \"b\" }}", "true false");
  f("{{ toUpper \"aé\" }} {{ toLower \"AÉ\" }}", "AÉ aé");
  f("{{ \"host.example.com:9100\" | stripPort }} {{ \"host.example.com:9100\" | stripDomain }} {{ "
    "\"192.0.2.1:80\" | stripDomain }} {{ \"[2001:db8::1]:80\" | stripPort }} {{ \"[::1]::80\" | "
    "stripPort }} {{ \"a.b\" | stripDomain }}",
    "host.example.com host:9100 192.0.2.1:80 2001:db8::1 [::1]::80 a");
  f("{{ graphLink \"up{a=\\\"b\\\"}\" }} {{ tableLink \"up\" }}",
    "/graph?g0.expr=up%7Ba%3D%22b%22%7D&g0.tab=0 /graph?g0.expr=up&g0.tab=1");
  f("{{ pathPrefix }} {{ externalURL }} {{ urlQueryEscape \"a/b c\" }}",
    "/path/prefix http://testhost:9090/path/prefix a%2Fb+c");
  f("{{ safe }}",
    "error parsing template __alert_A: template: __alert_A:1: function \"safe\" not defined");
  f("{{ args 1 \"b\" }}", "map[arg0:1 arg1:b]");
  f("{{ not 1 }} {{ not \"\" }}", "false true");
  f("{{ and 1 0 2 }} {{ or 0 \"\" 3 }} {{ 5 | and 1 }}", "0 3 5");
}

BOOST_AUTO_TEST_CASE(humanize) {
  f("{{ humanize 0.0 }} {{ humanize 1.0 }} {{ humanize 1234567.0 }} {{ humanize .12 }} {{ humanize "
    "\"1234567.0\" }} {{ humanize -1 }} {{ humanize 9223372036854775807 }} {{ humanize 1e-10 }} {{ "
    "humanize 1e30 }}",
    "0 1 1.235M 120m 1.235M -1 9.223E 100p 1e+06Y");
  f("{{ humanize1024 0.0 }} {{ humanize1024 1048576.0 }} {{ humanize1024 .12 }} {{ humanize1024 "
    "1234567 }} {{ humanize1024 \"1e27\" }}",
    "0 1Mi 0.12 1.177Mi 827.2Yi");
  f("{{ humanizeDuration 0 }} {{ humanizeDuration 1 }} {{ humanizeDuration 60 }} {{ "
    "humanizeDuration 3600 }} {{ humanizeDuration 90000 }} {{ humanizeDuration -183845 }} {{ "
    "humanizeDuration 899.99 }} {{ humanizeDuration .1 }} {{ humanizeDuration .0001 }} {{ "
    "humanizeDuration .12345 }} {{ humanizeDuration 60.5 }} {{ humanizeDuration 12.345 }}",
    "0s 1s 1m 0s 1h 0m 0s 1d 1h 0m 0s -2d 3h 4m 5s 14m 59s 100ms 100us 123.5ms 1m 0s 12.35s");
  f("{{ humanizePercentage -0.22222 }} {{ humanizePercentage 0.1234567 }} {{ humanizePercentage "
    "1234567 }}",
    "-22.22% 12.35% 1.235e+08%");
  f("{{ humanizeTimestamp 1435065584.128 }} {{ humanizeTimestamp -1 }} {{ humanizeTimestamp "
    "\"9223372036\" }}",
    "2015-06-23 13:19:44.128 +0000 UTC 1969-12-31 23:59:59 +0000 UTC 2262-04-11 23:47:16 +0000 "
    "UTC");
  f("{{ humanize \"+Inf\" }} {{ humanize1024 \"-Inf\" }} {{ humanizeDuration \"NaN\" }} {{ "
    "humanizeTimestamp \"NaN\" }} {{ humanizePercentage \"Inf\" }}",
    "+Inf -Inf NaN NaN +Inf%");
}

BOOST_AUTO_TEST_CASE(times) {
  f("{{ now }} {{ (now | toTime).Format \"Mon Jan 2 15:04:05 2006\" }}",
    "1.353755652e+09 Sat Nov 24 11:14:12 2012");
  f("{{ (1435065584.128 | toTime).Format \"2006-01-02T15:04:05.000Z07:00 3:04PM Monday _2 002 06 "
    "January .999 MST -07\" }}",
    "2015-06-23T13:19:44.128Z 1:19PM Tuesday 23 174 15 June .128 UTC +00");
  f("{{ 1435065584.128 | toTime }} {{ 0 | toTime }}",
    "2015-06-23 13:19:44.128 +0000 UTC 1970-01-01 00:00:00 +0000 UTC");
  f("{{ (1800 | toDuration).String }} {{ (\"0.0015\" | toDuration).String }} {{ 3661.5 | "
    "toDuration }} {{ 0 | toDuration }}",
    "30m0s 1.5ms 1h1m1.5s 0s");
  f("{{ (now | toTime).Year }} {{ (now | toTime).Month }} {{ (now | toTime).Weekday }} {{ (now | "
    "toTime).YearDay }} {{ (now | toTime).Unix }} {{ (now | toTime).UnixMilli }}",
    "2012 November Saturday 329 1353755652 1353755652000");
  f("{{ (-1800 | toDuration | (now | toTime).Add).UnixMilli }}", "1353753852000");
  f("{{ ((now | toTime).Sub (0 | toTime)).Hours }} {{ ((now | toTime).AddDate 0 1 10).Format "
    "\"2006-01-02\" }} {{ (now | toTime).After (0 | toTime) }}",
    "376043.2366666667 2013-01-03 true");
  f("{{ ((5400 | toDuration).Round 3600000000000).String }} {{ ((5400 | toDuration).Truncate "
    "3600000000000).String }} {{ (90 | toDuration).Minutes }}",
    "2h0m0s 1h0m0s 1.5");
  f("{{ ((now | toTime).Truncate 86400000000000).Format \"2006-01-02 15:04\" }}",
    "2012-11-24 00:00");
}

BOOST_AUTO_TEST_CASE(printf) {
  f("{{ printf \"%d %s %v %q %t %x %X %c %U %o %b %e %g %f %5.1f|%-5d|%05d|%+d|% d\" 1 \"a\" 1.5 "
    "\"q\\n\" true 255 255 97 97 8 5 1.5 1e21 1.5 2.25 7 42 5 6 }}",
    "1 a 1.5 \"q\\n\" true ff FF a U+0061 10 101 1.500000e+00 1e+21 1.500000   2.2|7    |00042|+5| "
    "6");
  f("{{ printf \"%s\" 1.5 }} {{ printf \"%d\" \"a\" }} {{ printf \"%d\" 1.5 }} {{ printf \"%z\" 1 "
    "}}",
    "%!s(float64=1.5) %!d(string=a) %!d(float64=1.5) %!z(int=1)");
  f("{{ printf \"%d\" }} {{ printf \"x\" 1 \"a\" }} {{ printf \"%\" }} {{ printf \"%!\" 1 }} {{ "
    "printf \"100%%\" }}",
    "%!d(MISSING) x%!(EXTRA int=1, string=a) %!(NOVERB) %!!(int=1) 100%");
  f("{{ printf \"%[2]v %[1]v\" 1 2 }} {{ printf \"%*d|%-*d|\" 5 1 5 1 }} {{ printf \"%.*f\" 2 "
    "3.14159 }} {{ printf \"%[3]d\" 1 }} {{ printf \"%.3s|%6s|%-6s|\" \"abcdef\" \"é\" \"b\" }}",
    "2 1     1|1    | 3.14 %!d(BADINDEX) abc|     é|b     |");
  f("{{ printf \"%T %T %T %T %T\" 1 1.5 \"a\" $labels true }}",
    "int float64 string map[string]string bool");
  f("{{ printf \"%#v %#v %#x %#q %#U %#o\" \"a\" 1 255 \"b\" 97 8 }} {{ printf \"%#v %+v\" $labels "
    ". }}",
    "\"a\" 1 0xff `b` U+0061 'a' 010 map[string]string{\"dev\":\"sda\", "
    "\"instance\":\"host.example.com:9100\", \"job\":\"node\"} {Labels:map[dev:sda "
    "instance:host.example.com:9100 job:node] ExternalLabels:map[cluster:eu] "
    "ExternalURL:http://testhost:9090/path/prefix Value:7.5}");
  f("{{ printf \"%v %v\" $labels nil }}",
    "map[dev:sda instance:host.example.com:9100 job:node] <nil>");
  f("{{ printf \"%x %X % x\" \"hi\" \"hi\" \"hi\" }}", "6869 6869 68 69");
  f("{{ printf \"%08.3f %+.2e %G %6.2f%%\" 3.14159 12345.678 1e-10 99.5 }}",
    "0003.142 +1.23e+04 1E-10  99.50%");
  f("{{ 1e6 }} {{ 100000.0 }} {{ 1e20 }} {{ 1e21 }} {{ 123456789.0 }} {{ 0.0001 }} {{ 0.00001 }} "
    "{{ printf \"%v\" -0.0 }}",
    "1e+06 100000 1e+20 1e+21 1.23456789e+08 0.0001 1e-05 -0");
}

BOOST_AUTO_TEST_CASE(errors) {
  f("{{ .Foo }}",
    "error executing template __alert_A: template: __alert_A:1:115: executing \"__alert_A\" at "
    "<.Foo>: can't evaluate field Foo in type struct { Labels map[string]string; ExternalLabels "
    "map[string]string; ExternalURL string; Value interface {} }");
  f("{{ $value.Foo }}",
    "error executing template __alert_A: template: __alert_A:1:121: executing \"__alert_A\" at "
    "<$value.Foo>: can't evaluate field Foo in type float64");
  f("{{ .Value.Foo }}",
    "error executing template __alert_A: template: __alert_A:1:121: executing \"__alert_A\" at "
    "<.Value.Foo>: can't evaluate field Foo in type interface {}");
  f("{{ $labels.a.b }}",
    "error executing template __alert_A: template: __alert_A:1:122: executing \"__alert_A\" at "
    "<$labels.a.b>: can't evaluate field b in type string");
  f("{{ query \"none\" | first }}",
    "error executing template __alert_A: template: __alert_A:1:130: executing \"__alert_A\" at "
    "<first>: error calling first: first() called on vector with no elements");
  f("{{ query \"fail\" }}",
    "error executing template __alert_A: template: __alert_A:1:115: executing \"__alert_A\" at "
    "<query \"fail\">: error calling query: query failed");
  f("{{ (query \"none\").banana }}",
    "error executing template __alert_A: template: __alert_A:1:122: executing \"__alert_A\" at "
    "<\"none\">: can't evaluate field banana in type template.queryResult");
  f("{{ humanize \"one\" }}",
    "error executing template __alert_A: template: __alert_A:1:115: executing \"__alert_A\" at "
    "<humanize \"one\">: error calling humanize: strconv.ParseFloat: parsing \"one\": invalid "
    "syntax");
  f("{{ \"one\" | humanizePercentage }}",
    "error executing template __alert_A: template: __alert_A:1:123: executing \"__alert_A\" at "
    "<humanizePercentage>: error calling humanizePercentage: strconv.ParseFloat: parsing \"one\": "
    "invalid syntax");
  f("{{ if gt $value 5 }}x{{ end }}",
    "error executing template __alert_A: template: __alert_A:1:118: executing \"__alert_A\" at <gt "
    "$value 5>: error calling gt: incompatible types for comparison");
  f("{{ toUpper 1 }}",
    "error executing template __alert_A: template: __alert_A:1:123: executing \"__alert_A\" at "
    "<1>: expected string; found 1");
  f("{{ 1 | toUpper }}",
    "error executing template __alert_A: template: __alert_A:1:119: executing \"__alert_A\" at "
    "<toUpper>: wrong type for value; expected string; got int");
  f("{{ toUpper }}",
    "error executing template __alert_A: template: __alert_A:1:115: executing \"__alert_A\" at "
    "<toUpper>: wrong number of args for toUpper: want 1 got 0");
  f("{{ toUpper \"a\" \"b\" }}",
    "error executing template __alert_A: template: __alert_A:1:115: executing \"__alert_A\" at "
    "<toUpper>: wrong number of args for toUpper: want 1 got 2");
  f("{{ humanizeTimestamp 1e30 }}",
    "error executing template __alert_A: template: __alert_A:1:115: executing \"__alert_A\" at "
    "<humanizeTimestamp 1e30>: error calling humanizeTimestamp: 1e+30 cannot be represented as a "
    "nanoseconds timestamp since it overflows int64");
  f("{{ template \"nope\" }}",
    "error executing template __alert_A: template: __alert_A:1:124: executing \"__alert_A\" at "
    "<{{template \"nope\"}}>: template \"nope\" not defined");
  f("{{ range 1.5 }}{{ end }}",
    "error executing template __alert_A: template: __alert_A:1:121: executing \"__alert_A\" at "
    "<1.5>: range can't iterate over 1.5");
  f("{{ index \"abc\" 5 }}",
    "error executing template __alert_A: template: __alert_A:1:115: executing \"__alert_A\" at "
    "<index \"abc\" 5>: error calling index: index out of range: 5");
  f("{{ slice \"abc\" 3 1 }}",
    "error executing template __alert_A: template: __alert_A:1:115: executing \"__alert_A\" at "
    "<slice \"abc\" 3 1>: error calling slice: invalid slice index: 3 > 1");
  f("{{ len 3 }}",
    "error executing template __alert_A: template: __alert_A:1:115: executing \"__alert_A\" at "
    "<len 3>: error calling len: len of type int");
  f("{{ lt true false }}",
    "error executing template __alert_A: template: __alert_A:1:115: executing \"__alert_A\" at <lt "
    "true false>: error calling lt: invalid type for comparison");
  f("{{ nil }}",
    "error executing template __alert_A: template: __alert_A:1:115: executing \"__alert_A\" at "
    "<nil>: nil is not a command");
  f("{{ 1 2 }}",
    "error executing template __alert_A: template: __alert_A:1:115: executing \"__alert_A\" at "
    "<1>: can't give argument to non-function 1");
  f("{{ reReplaceAll \"(\" \"\" \"x\" }}",
    "error executing template __alert_A: template: __alert_A:1:115: executing \"__alert_A\" at "
    "<reReplaceAll \"(\" \"\" \"x\">: error calling reReplaceAll: regexp: Compile(`(`): error "
    "parsing regexp: missing closing ): `(`");
  f("{{ (now | toTime).Format }}",
    "error executing template __alert_A: template: __alert_A:1:122: executing \"__alert_A\" at "
    "<toTime>: wrong number of args for Format: want 1 got 0");
  f("{{ $x = 1 }}",
    "error executing template __alert_A: template: __alert_A:1:120: executing \"__alert_A\" at "
    "<1>: undefined variable: $x");
  f("{{ call 1 }}",
    "error executing template __alert_A: template: __alert_A:1:115: executing \"__alert_A\" at "
    "<call 1>: error calling call: non-function of type int");
  f("line\n  {{ .Foo }}",
    "error executing template __alert_A: template: __alert_A:2:5: executing \"__alert_A\" at "
    "<.Foo>: can't evaluate field Foo in type struct { Labels map[string]string; ExternalLabels "
    "map[string]string; ExternalURL string; Value interface {} }");
  f("{{ value nil }}",
    "error executing template __alert_A: template: __alert_A:1:115: executing \"__alert_A\" at "
    "<value nil>: error calling value: runtime error: invalid memory address or nil pointer "
    "dereference");
  f("{{ index $labels 1 }}",
    "error executing template __alert_A: template: __alert_A:1:115: executing \"__alert_A\" at "
    "<index $labels 1>: error calling index: value has type int; should be string");
  f("{{ 9223372036854775808 }}",
    "error executing template __alert_A: template: __alert_A:1:115: executing \"__alert_A\" at "
    "<9223372036854775808>: 9223372036854775808 overflows int");
  f("{{ define \"t\" }}{{ .Foo }}{{ end }}{{ template \"t\" 1 }}",
    "error executing template __alert_A: template: __alert_A:1:131: executing \"t\" at <.Foo>: "
    "can't evaluate field Foo in type int");
}

BOOST_AUTO_TEST_CASE(parse_errors) {
  f("{{", "error parsing template __alert_A: template: __alert_A:1: unclosed action");
  f("{{ 1", "error parsing template __alert_A: template: __alert_A:1: unclosed action");
  f("{{ }}", "error parsing template __alert_A: template: __alert_A:1: missing value for command");
  f("{{ end }}", "error parsing template __alert_A: template: __alert_A:1: unexpected {{end}}");
  f("{{ else }}", "error parsing template __alert_A: template: __alert_A:1: unexpected {{else}}");
  f("{{ if true }}", "error parsing template __alert_A: template: __alert_A:1: unexpected EOF");
  f("{{ if }}x{{ end }}",
    "error parsing template __alert_A: template: __alert_A:1: missing value for if");
  f("{{ range }}{{ end }}",
    "error parsing template __alert_A: template: __alert_A:1: missing value for range");
  f("{{ nofunc }}",
    "error parsing template __alert_A: template: __alert_A:1: function \"nofunc\" not defined");
  f("{{ $y }}",
    "error parsing template __alert_A: template: __alert_A:1: undefined variable \"$y\"");
  f("{{ \"abc }}",
    "error parsing template __alert_A: template: __alert_A:1: unterminated quoted string");
  f("{{ `abc",
    "error parsing template __alert_A: template: __alert_A:1: unterminated raw quoted string");
  f("{{ 1x }}",
    "error parsing template __alert_A: template: __alert_A:1: bad number syntax: \"1x\"");
  f("{{ 1 | 2 }}",
    "error parsing template __alert_A: template: __alert_A:1: non executable command in pipeline "
    "stage 2");
  f("{{ print | }}", "");
  f("{{ | print }}",
    "error parsing template __alert_A: template: __alert_A:1: unexpected \"|\" in command");
  f("{{ ( 1 }}", "error parsing template __alert_A: template: __alert_A:1: unclosed left paren");
  f("{{ 1 ) }}",
    "error parsing template __alert_A: template: __alert_A:1: unexpected \")\" in command");
  f("{{   }}",
    "error parsing template __alert_A: template: __alert_A:1: unrecognized character in action: "
    "U+00A0");
  f("{{ \"a\".b }}",
    "error parsing template __alert_A: template: __alert_A:1: unexpected . after term "
    "\"\\\"a\\\"\"");
  f("{{ .Labels. }}",
    "error parsing template __alert_A: template: __alert_A:1: unexpected <.> in operand");
  f("{{ $x, $y := 1 }}",
    "error parsing template __alert_A: template: __alert_A:1: too many declarations in command");
  f("{{ break }}",
    "error parsing template __alert_A: template: __alert_A:1: {{break}} outside {{range}}");
  f("{{ /* c }}",
    "error parsing template __alert_A: template: __alert_A:1: unexpected \"/\" in command");
  f("{{/* c */ x}}",
    "error parsing template __alert_A: template: __alert_A:1: comment ends before closing "
    "delimiter");
  f("{{ template x }}",
    "error parsing template __alert_A: template: __alert_A:1: unexpected \"x\" in template clause");
  f("{{ define \"a\" }}1",
    "error parsing template __alert_A: template: __alert_A:1: unexpected EOF");
  f("{{ define \"a\" }}1{{ end }}{{ define \"a\" }}2{{ end }}",
    "error parsing template __alert_A: template: __alert_A:1: template: multiple definition of "
    "template \"a\"");
  f("{{ if 1 }}{{ define \"a\" }}{{ end }}{{ end }}",
    "error parsing template __alert_A: template: __alert_A:1: unexpected <define> in command");
  f("\n\n{{ if true }}\n{{ nofunc }}",
    "error parsing template __alert_A: template: __alert_A:4: function \"nofunc\" not defined");
  f("{{ $labels.x$ }}",
    "error parsing template __alert_A: template: __alert_A:1: bad character U+0024 '$'");
  f("{{ a=b }}",
    "error parsing template __alert_A: template: __alert_A:1: bad character U+003D '='");
  f("{{ 'ab' }}",
    "error parsing template __alert_A: template: __alert_A:1: malformed character constant: 'ab'");
  f("{{ 0x }}",
    "error parsing template __alert_A: template: __alert_A:1: illegal number syntax: \"0x\"");
  f("{{ \"\\q\" }}", "error parsing template __alert_A: template: __alert_A:1: invalid syntax");
  f("{{\n\"a\n}}",
    "error parsing template __alert_A: template: __alert_A:2: unterminated quoted string in action "
    "started at __alert_A:1");
  f("{{ if true }}{{ else }}{{ else }}{{ end }}",
    "error parsing template __alert_A: template: __alert_A:1: expected end; found {{else}}");
  f("{{ 99999999999999999999 }}",
    "error parsing template __alert_A: template: __alert_A:1: integer overflow: "
    "\"99999999999999999999\"");
  f("{{ . | . }}",
    "error parsing template __alert_A: template: __alert_A:1: non executable command in pipeline "
    "stage 2");
  f("{{ ; }}",
    "error parsing template __alert_A: template: __alert_A:1: unexpected \";\" in command");
}

// What Go has had since 1.22 and 1.23.
BOOST_AUTO_TEST_CASE(newer_go) {
  f("{{ range 3 }}{{ . }}{{ end }}", "012");
  f("{{ range $i := 2 }}[{{ $i }}]{{ end }}", "[0][1]");
  f("{{ range 0 }}x{{ else }}none{{ end }}", "none");
  f("{{ with $labels.nope }}a{{ else with $labels.job }}{{ . }}{{ else }}c{{ end }}", "node");
}

BOOST_AUTO_TEST_CASE(functions_that_only_prometheus_has) {
  f("{{ \"aa bb CC\" | title }}", "Aa Bb CC");
  f("{{ title \"it's a.b foo-bar x_y 3d\" }}", "It's A.b Foo-Bar X_y 3d");
  f("{{ printf \"%0.2f\" (parseDuration \"1h2m10ms\") }}", "3720.01");
  f("{{ printf \"%0.2f\" (parseDuration \"-1h2m10ms\") }}", "-3720.01");
  f("{{ (\"-30m\" | parseDuration | toDuration | (now | toTime).Add).UnixMilli }}",
    "1353753852000");
  f("{{ safeHtml \"<b>\" }}", "<b>");
  f("{{ parseDuration \"1x\" }}",
    "error executing template __alert_A: template: __alert_A:1:115: executing \"__alert_A\" at "
    "<parseDuration \"1x\">: error calling parseDuration: unknown unit \"x\" in duration \"1x\"");
}

BOOST_AUTO_TEST_CASE(an_error_takes_the_place_of_the_text) {
  auto explain = [](std::string_view text) {
    return ExpandOrExplain(ParseAlertTemplate("A", text), Data());
  };
  BOOST_TEST(explain("{{ $labels.job }}") == "node");
  BOOST_TEST(explain("{{ nofunc }}") ==
             "<error expanding template: error parsing template __alert_A: template: "
             "__alert_A:1: function \"nofunc\" not defined>");
  BOOST_TEST(explain("{{ toUpper 1 }}") ==
             "<error expanding template: error executing template __alert_A: template: "
             "__alert_A:1:123: executing \"__alert_A\" at <1>: expected string; found 1>");
}

BOOST_AUTO_TEST_CASE(what_one_expansion_may_use) {
  const std::string at = "error executing template __alert_A: template: __alert_A:1:";
  auto fails = [&](std::string_view text, const TemplateLimits& limits, std::string_view why) {
    BOOST_TEST_CONTEXT(text) {
      const std::string got = Expand(text, limits);
      BOOST_TEST(got.starts_with(at));
      BOOST_TEST(got.ends_with(why));
    }
  };
  TemplateLimits small;
  small.output_bytes = 100;
  small.steps = 1000;
  small.depth = 5;
  fails("{{ range 1000 }}0123456789{{ end }}", small,
        ": exceeded the limit of 100 bytes of output");
  fails("{{ range 1000000000 }}{{ end }}", small, ": exceeded the limit of 1000 steps");
  fails("{{ define \"t\" }}{{ template \"t\" }}{{ end }}{{ template \"t\" }}", small,
        ": exceeded maximum template depth (5)");
  fails("{{ printf \"%1000d\" 1 }}", small,
        ": error calling printf: result exceeds the limit of 100 bytes");
  fails("{{ reReplaceAll \"\" \"0123456789\" \"0123456789\" }}", small,
        ": error calling reReplaceAll: result exceeds the limit of 100 bytes");
  // Doubling a text forty times ends at the size of one value, long before memory does.
  fails("{{ $x := \"0123456789abcdef\" }}{{ range 40 }}{{ $x = print $x $x }}{{ end }}", {},
        ": error calling print: result exceeds the limit of 1048576 bytes");
  fails("{{ $x := printf \"%100000d\" 1 }}{{ range 100000 }}{{ $y := args $x $x $x }}{{ end }}", {},
        ": exceeded the limit of 1000000 steps");
}

BOOST_AUTO_TEST_CASE(nesting_is_bounded) {
  auto repeat = [](std::string_view text, int n) {
    std::string out;
    for (int i = 0; i < n; ++i) out += text;
    return out;
  };
  const std::string too_deep =
      "error parsing template __alert_A: template: __alert_A:1: actions nest deeper than 200";
  BOOST_TEST(Expand("{{ " + repeat("(", 100000)) == too_deep);
  BOOST_TEST(Expand(repeat("{{ if 1 }}", 100000)) == too_deep);
  BOOST_TEST(Expand("{{ if 0 }}" + repeat("{{ else if 0 }}", 100000)) == too_deep);
  BOOST_TEST(Expand("{{ " + repeat("(", 150) + "1" + repeat(")", 150) + " }}") == "1");
  // Each template alone is shallow, but they call each other within their nested actions.
  const std::string recursion = "{{ define \"t\" }}" + repeat("{{ if 1 }}", 90) +
                                "{{ template \"t\" }}" + repeat("{{ end }}", 90) +
                                "{{ end }}{{ template \"t\" }}";
  BOOST_TEST(Expand(recursion).ends_with(": nesting deeper than 1000"));
}

}  // namespace
}  // namespace canopy::rules
