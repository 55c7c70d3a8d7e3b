import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type BuildProject, makeBuildProject, writeFiles } from './build-project.ts'

const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** GN's files of a V8 in miniature: a program that writes a source file, and a library of that and two more. */
const sources: Record<string, string> = {
  '.gitignore': '*.pyc\n',
  '.gn': 'buildconfig = "//build/config/BUILDCONFIG.gn"\n',
  'BUILD.gn': `
external_v8_defines = [
  "V8_ENABLE_SMALL",
  "V8_ENABLE_LARGE",
]
external_cppgc_defines = [
  "CPPGC_SMALL",
  "CPPGC_LARGE",
]
assert(external_v8_defines != external_cppgc_defines)

config("features") {
  defines = [ "V8_ENABLE_SMALL" ]
}

config("cppgc_features") {
  defines = [ "CPPGC_SMALL" ]
}

source_set("v8_header_features") {
  public_configs = [ ":features" ]
}

source_set("cppgc_header_features") {
  public_configs = [ ":cppgc_features" ]
}

executable("word_generator") {
  sources = [ "src/word-generator.cc" ]
}

action("words") {
  script = "tools/run.py"
  deps = [ ":word_generator" ]
  inputs = [ "src/engine.cc" ]
  outputs = [ "$target_gen_dir/words.cc" ]
  args = [
    "./word_generator",
    rebase_path(inputs[0], root_build_dir),
    rebase_path(outputs[0], root_build_dir),
  ]
}

static_library("monolith") {
  complete_static_lib = true
  configs = [ ":features" ]
  sources = [
    "include/v8.h",
    "src/answer.cc",
    "src/count.cc",
    "src/count.h",
  ]
  sources += get_target_outputs(":words")
  include_dirs = [ "include", "src" ]
  deps = [ ":words" ]
}
`,
  'build/config/BUILDCONFIG.gn': `
declare_args() {
  is_debug = true
  clang_base_path = ""
  clang_version = ""
}
host_toolchain = "//build/toolchain:clang"
set_default_toolchain(host_toolchain)
`,
  'build/toolchain/BUILD.gn': `
toolchain("clang") {
  bin = "$clang_base_path/bin"
  tool("cxx") {
    depfile = "{{output}}.d"
    depsformat = "gcc"
    outputs = [ "{{source_out_dir}}/{{target_output_name}}.{{source_name_part}}.o" ]
    command = "$bin/clang++ -MMD -MF $depfile -O1 -fPIC -fvisibility=hidden {{defines}} {{include_dirs}} -c {{source}} -o {{output}}"
    description = "CXX {{output}}"
  }
  tool("alink") {
    outputs = [ "{{root_out_dir}}/obj/{{target_output_name}}{{output_extension}}" ]
    rspfile = "{{output}}.rsp"
    rspfile_content = "{{inputs}}"
    command = "rm -f {{output}} && ar rcsD {{output}} @$rspfile"
    description = "AR {{output}}"
    default_output_extension = ".a"
    output_prefix = "lib"
  }
  tool("link") {
    outputs = [ "{{root_out_dir}}/{{target_output_name}}" ]
    command = "$bin/clang++ -o {{output}} {{inputs}}"
    description = "LINK {{output}}"
  }
  tool("stamp") {
    command = "touch {{output}}"
    description = "STAMP {{output}}"
  }
}
`,
  'src/answer.cc': '#include "v8.h"\n#include "count.h"\nint answer() { return count() * 7; }\n',
  'src/count.cc': '#include "count.h"\nint count() { return COUNT; }\n',
  'src/count.h': '#define COUNT 6\nint count();\n',
  'src/word-generator.cc': `
#include <stdio.h>
int main(int, char** argv) {
  FILE* in = fopen(argv[1], "r");
  FILE* out = fopen(argv[2], "w");
  char word[100];
  fputs("const char* words[] = {", out);
  while (fgets(word, sizeof word, in)) {
    for (char* at = word; *at; at++) {
      if (*at == 10) *at = 0;
    }
    fprintf(out, "\\"%s\\", ", word);
  }
  fputs("0};\\nconst char** all_words() { return words; }\\n", out);
  return fclose(out);
}
`,
  'tools/gen-v8-gn.py': `
import argparse, spelling
parser = argparse.ArgumentParser()
parser.add_argument('-o')
parser.add_argument('-p', action='append', default=[])
parser.add_argument('-n', action='append', default=[])
args = parser.parse_args()
with open(args.o, 'w') as out:
  out.write(''.join(spelling.on(name) for name in args.p) + ''.join(spelling.off(name) for name in args.n))
`,
  'tools/run.py': `
import subprocess, sys
import spelling
assert spelling.on('A') == '#define A 1\\n'
sys.exit(subprocess.call(sys.argv[1:]))
`,
  'tools/spelling.py': `
def on(name):
  return '#define %s 1\\n' % name
def off(name):
  return '#undef %s\\n' % name
`,
}

// The archive of "GN's source" has a finished GN, and its build is a copy.
const generateGn = `
import os
os.makedirs('out', exist_ok=True)
with open('out/build.ninja', 'w') as out:
  out.write('rule copy\\n  command = install -m 755 $in $out\\nbuild gn.o: copy ../gn.bin\\nbuild gn: copy gn.o\\n')
`

/** Two addons in miniature, and what else build:binding wants of a project. */
const bindingFiles: Record<string, string> = {
  'bindings/native/patched/binding.gyp': `{
  'variables': { 'sdk%': '<!(node -p "process.env.V8_RAWMEM_SDK")', 'openssl_fips': '' },
  'targets': [{
    'target_name': 'v8-rawmem',
    'sources': ['addon.cc'],
    'include_dirs+': ['<(sdk)/include'],
    'cflags': ['-fvisibility=hidden'],
    'libraries': ['<(sdk)/lib/libv8_monolith.a'],
  }],
}
`,
  'bindings/native/exports.map': '{ global: napi_*; };\n',
  'bindings/native/patched/addon.cc': `
#include <node_api.h>
#include <v8.h>
int answer();
NAPI_MODULE_INIT() {
  napi_value value;
  napi_create_int32(env, answer(), &value);
  return value;
}
`,
  'bindings/native/node/binding.gyp': `{
  'variables': { 'openssl_fips': '' },
  'targets': [{
    'target_name': 'v8-rawmem-node',
    'sources': ['addon.cc'],
    'cflags': ['-fvisibility=hidden'],
  }],
}
`,
  'bindings/native/node/addon.cc': `
#include <node_api.h>
NAPI_MODULE_INIT() {
  napi_value value;
  napi_create_int32(env, 7, &value);
  return value;
}
`,
}

/**
 * A small project that all stages of the build can work on, to an SDK and addons.
 *
 * @param gn a GN program
 */
export function makeCompilableProject(gn: string, { padding = 0 } = {}): BuildProject {
  const made = makeBuildProject({
    padding,
    sources,
    gn: { 'build/gen.py': generateGn, 'gn.bin': readFileSync(gn) },
  })
  for (const name of ['sdk', 'LICENSE', 'LICENSE.v8', 'package.json', 'package-lock.json']) {
    cpSync(join(repository, name), join(made.project, name), { recursive: true })
  }
  symlinkSync(join(repository, 'node_modules'), join(made.project, 'node_modules'))
  writeFiles(made.project, bindingFiles)
  return made
}

/** Adds a patch to the project, the last in the series, which changes another line of the engine. */
export function addPatch(project: BuildProject, name: string, patch: string): void {
  writeFileSync(join(project.project, 'patches', name), patch)
}
