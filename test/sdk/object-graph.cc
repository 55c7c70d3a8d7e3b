// TraceObjects: what keeps what alive on the heap, by strong references only.

#include "v8-object-graph.h"

#include <set>
#include <string>
#include <vector>

#include "check.h"
#include "engine.h"
#include "guarded-region.h"
#include "v8-external.h"
#include "v8-wasm.h"

namespace {

using Objects = std::vector<v8::Local<v8::Object>>;

// An instance of references.wat with what it imports, each for itself.
class References {
 public:
  References() : scope_(engine.isolate()) {
    host = engine.NewFunction([this](const auto&) {
      if (on_host)
        on_host();
    });
    memory = engine.NewMemory("{initial: 1, maximum: 100}");
    table = New("new WebAssembly.Table({element: 'anyfunc', initial: 4})");
    tag = New("new WebAssembly.Tag({parameters: ['externref']})");
    instance = NewInstance(host);
  }

  // Another one, with the same memory, table and tag.
  v8::Local<v8::Object> NewInstance(v8::Local<v8::Function> with_host) {
    v8::Local<v8::Object> env = engine.NewObject();
    engine.Set(env, "host", with_host);
    engine.Set(env, "memory", memory);
    engine.Set(env, "table", table);
    engine.Set(env, "tag", tag);
    return engine.Instantiate("references", env);
  }

  v8::Local<v8::Object> New(const char* script) {
    return engine.EvaluateToValue(script).ToLocalChecked().As<v8::Object>();
  }

  v8::Local<v8::Object> Exported(const char* name) {
    return engine.Get(engine.Get(instance, "exports").As<v8::Object>(), name)
        .As<v8::Object>();
  }

  // Calls an export that gives a reference.
  template <typename... Arguments>
  v8::Local<v8::Object> Make(const char* name, Arguments... arguments) {
    std::vector<v8::Local<v8::Value>> values{arguments...};
    return engine.Export(instance, name)
        ->Call(engine.context(), v8::Undefined(engine.isolate()),
               static_cast<int>(values.size()), values.data())
        .ToLocalChecked()
        .As<v8::Object>();
  }

  v8::Local<v8::Value> Number(int value) {
    return v8::Integer::New(engine.isolate(), value);
  }

  std::optional<v8::ObjectGraph> Trace(const Objects& objects,
                                       Objects roots = {}) {
    roots.push_back(engine.context()->Global());
    return v8::TraceObjects(engine.isolate(), objects, roots);
  }

  // For each object, the indices of those that it leads to, itself included;
  // "root" for one that the roots reach.
  std::vector<std::string> Reach(const Objects& objects) {
    const std::optional<v8::ObjectGraph> graph = Trace(objects);
    CHECK(graph.has_value());
    if (!graph)
      return {};
    CHECK_EQ(graph->component_of.size(), objects.size());
    std::set<std::pair<uint32_t, uint32_t>> edges;
    for (const auto& edge : graph->edges) {
      CHECK(edge.first != 0);
      CHECK(edge.second != 0);
      CHECK(edge.first != edge.second);
      CHECK(edge.first < graph->component_count);
      CHECK(edge.second < graph->component_count);
      CHECK(edges.insert(edge).second);
    }
    std::vector<std::string> result;
    for (uint32_t component : graph->component_of) {
      if (component == 0) {
        result.push_back("root");
        continue;
      }
      std::set<uint32_t> reached = {component};
      std::vector<uint32_t> next = {component};
      while (!next.empty()) {
        const uint32_t from = next.back();
        next.pop_back();
        for (const auto& edge : graph->edges) {
          if (edge.first == from && reached.insert(edge.second).second)
            next.push_back(edge.second);
        }
      }
      std::string indices;
      for (size_t i = 0; i < objects.size(); ++i) {
        if (reached.contains(graph->component_of[i]))
          indices += std::to_string(i);
      }
      result.push_back(indices);
    }
    return result;
  }

  Engine engine;
  std::function<void()> on_host;
  v8::Local<v8::Function> host;
  v8::Local<v8::WasmMemoryObject> memory;
  v8::Local<v8::Object> table;
  v8::Local<v8::Object> tag;
  v8::Local<v8::Object> instance;

 private:
  v8::HandleScope scope_;
};

#define CHECK_REACH(test, objects, ...)                                    \
  do {                                                                     \
    const std::vector<std::string> expected_reach{__VA_ARGS__};            \
    const std::vector<std::string> reach = (test).Reach(objects);          \
    CHECK_EQ(reach.size(), expected_reach.size());                         \
    for (size_t i = 0; i < reach.size() && i < expected_reach.size(); ++i) \
      check::Equal(reach[i], expected_reach[i],                            \
                   ("object " + std::to_string(i)).c_str(), __FILE__,      \
                   __LINE__);                                              \
  } while (false)

}  // namespace

TEST(InstancesLeadToWhatTheyImport) {
  References test;
  // Of a tag it keeps the identity, not the object.
  const Objects objects = {test.engine.Export(test.instance, "run"),
                           test.instance,
                           test.host,
                           test.memory,
                           test.table,
                           test.tag};
  CHECK_REACH(test, objects, "01234", "01234", "2", "3", "4", "5");
}

// What an instance defines holds it, even a number. Only its memories do not.
TEST(ExportedTablesAndGlobalsLeadToTheirInstance) {
  References test;
  CHECK_REACH(
      test,
      (Objects{test.instance, test.Exported("count"), test.Exported("kept"),
               test.Exported("exported"), test.memory}),
      "01234", "01234", "01234", "01234", "4");
}

// None of the handles counts, though all are held here.
TEST(HandlesAreNoRoots) {
  References test;
  v8::Global<v8::Object> global(test.engine.isolate(), test.instance);
  CHECK_REACH(test, Objects{test.instance}, "0");
  test.engine.CollectGarbage();
  CHECK_REACH(test, Objects{test.instance}, "0");
}

TEST(RootsReachWithoutEdges) {
  References test;
  const Objects objects = {test.instance, test.host, test.memory};
  test.engine.SetGlobal("kept", test.memory);
  CHECK_REACH(test, objects, "01", "1", "root");
  test.engine.SetGlobal("kept", test.engine.Export(test.instance, "run"));
  CHECK_REACH(test, objects, "root", "root", "root");
  test.engine.SetGlobal("kept", v8::Undefined(test.engine.isolate()));
  CHECK_REACH(test, objects, "012", "1", "2");
  const auto graph = test.Trace(objects, {test.host});
  CHECK(graph && graph->component_of[0] != 0 && graph->component_of[1] == 0);
}

TEST(NothingAndTheSameTwice) {
  References test;
  const auto none = test.Trace({});
  CHECK(none && none->component_of.empty() && none->component_count == 1 &&
        none->edges.empty());
  CHECK_REACH(test, (Objects{test.host, test.instance, test.host}), "02", "012",
              "02");
  CHECK_REACH(test, (Objects{test.engine.context()->Global()}), "root");
}

TEST(TablesLeadToFunctionsOfOtherInstances) {
  References test;
  v8::Local<v8::Function> host = test.engine.NewFunction([](const auto&) {});
  v8::Local<v8::Object> other = test.NewInstance(host);
  const Objects objects = {test.instance, other, test.table, test.host, host};
  CHECK_REACH(test, objects, "023", "124", "2", "3", "4");
  test.Make("set_table", test.Number(0), test.engine.Export(other, "run"));
  CHECK_REACH(test, objects, "01234", "124", "124", "3", "4");
  // Both now lead to each other.
  test.Make("set_table", test.Number(1),
            test.engine.Export(test.instance, "run"));
  CHECK_REACH(test, objects, "01234", "01234", "01234", "3", "4");
  test.Make("set_table", test.Number(0), v8::Null(test.engine.isolate()));
  CHECK_REACH(test, objects, "023", "01234", "023", "3", "4");
}

TEST(GlobalsLeadToTheirValues) {
  References test;
  v8::Local<v8::Object> value = test.engine.NewObject();
  v8::Local<v8::Object> global =
      test.New("new WebAssembly.Global({value: 'externref', mutable: true})");
  CHECK_REACH(test, (Objects{global, value}), "0", "1");
  test.engine.SetGlobal("a", global);
  test.engine.SetGlobal("b", value);
  test.engine.Evaluate("a.value = b; a = b = undefined");
  CHECK_REACH(test, (Objects{global, value}), "01", "1");

  // What an instance keeps in globals of its own.
  test.Make("set_kept", value);
  CHECK_REACH(test, (Objects{test.instance, value}), "01", "1");
  test.Make("set_kept", v8::Null(test.engine.isolate()));
  CHECK_REACH(test, (Objects{test.instance, value}), "0", "1");
  v8::Local<v8::Object> node =
      test.Make("struct", v8::Null(test.engine.isolate()),
                v8::Null(test.engine.isolate()));
  test.Make("set_own", node);
  CHECK_REACH(test, (Objects{test.instance, node}), "01", "1");
}

TEST(StructsAndArraysLeadToTheirFields) {
  References test;
  v8::Local<v8::Value> nothing = v8::Null(test.engine.isolate());
  v8::Local<v8::Object> empty = test.Make("struct", nothing, nothing);
  v8::Local<v8::Object> holder =
      test.Make("struct", test.engine.Export(test.instance, "run"), nothing);
  v8::Local<v8::Object> outer = test.Make("struct", nothing, holder);
  v8::Local<v8::Object> array = test.Make("array", outer);
  CHECK_REACH(test,
              (Objects{array, outer, holder, empty, test.instance, test.host}),
              "01245", "1245", "245", "3", "45", "5");
  // What lies in between need not be named.
  CHECK_REACH(test, (Objects{array, test.host}), "01", "1");
}

TEST(ExceptionsLeadToTheirPayloads) {
  References test;
  v8::Local<v8::Object> value = test.engine.NewObject();
  v8::Local<v8::Object> exception;
  {
    v8::TryCatch try_catch(test.engine.isolate());
    v8::Local<v8::Value> argument = value;
    CHECK(test.engine.Export(test.instance, "throw")
              ->Call(test.engine.context(),
                     v8::Undefined(test.engine.isolate()), 1, &argument)
              .IsEmpty());
    exception = try_catch.Exception().As<v8::Object>();
  }
  CHECK_REACH(test, (Objects{exception, value, test.host}), "01", "1", "2");
}

// Nothing that an instance has done makes the engine hold on to it.
TEST(TheEngineForgetsInstances) {
  References test;
  v8::Local<v8::Object> instance = test.instance;
  const Objects objects = {instance,
                           test.memory,
                           test.host,
                           test.Exported("kept"),
                           test.Exported("count"),
                           test.Exported("exported"),
                           test.Exported("run")};
  for (int i = 0; i < 200; ++i) {
    CHECK_EQ(test.engine.Call(instance, "run"), kNothing);
    CHECK_EQ(test.engine.Call(instance, "trap"), "RuntimeError: unreachable");
  }
  CHECK_EQ(test.engine.Call(instance, "load", 1 << 30), kOutOfBounds);
  CHECK_EQ(test.engine.Call(instance, "grow"), int64_t{1});
  CHECK_EQ(test.engine.Call(instance, "grow_table"), int64_t{1});
  test.on_host = [&] {
    test.engine.isolate()->ThrowException(
        v8::Object::New(test.engine.isolate()));
  };
  CHECK_EQ(test.engine.Call(instance, "run"), "[object Object]");
  GuardedRegion region(65536);
  CHECK_EQ(v8::SetWasmInstanceRawMemory(instance, 0, region.start(), 65536),
           v8::WasmRawMemoryResult::kOk);
  CHECK_EQ(test.engine.Call(instance, "load", 0), int64_t{0});
  for (const std::string& reach : test.Reach(objects)) {
    CHECK(reach != "root");
  }
  test.engine.CollectGarbage();
  CHECK_EQ(test.Reach(objects)[1], "1");
}

TEST(WeakReferencesDoNotCount) {
  References test;
  v8::Local<v8::Object> key = test.engine.NewObject();
  v8::Local<v8::Object> value = test.engine.NewObject();
  v8::Local<v8::Object> map = test.New("new WeakMap()");
  test.engine.SetGlobal("key", key);
  test.engine.SetGlobal("value", value);
  test.engine.SetGlobal("map", map);
  test.engine.Evaluate("map.set(key, value); map = undefined");
  v8::Local<v8::Object> weak = test.New("new WeakRef(key)");
  v8::Local<v8::Object> registry =
      test.New("r = new FinalizationRegistry(() => {}); r.register(key, 1); r");
  test.engine.Evaluate("r = undefined");
  // Until the end of the job, V8 itself keeps what a WeakRef was made of.
  test.engine.isolate()->ClearKeptObjects();
  const Objects objects = {map, key, value, weak, registry};
  CHECK_REACH(test, objects, "0", "root", "root", "3", "4");
  test.engine.Evaluate("key = value = undefined");
  // A map that the roots do not reach counts as if it held its values.
  CHECK_REACH(test, objects, "02", "1", "2", "3", "4");
  test.engine.SetGlobal("map", map);
  CHECK_REACH(test, objects, "root", "12", "2", "3", "4");
  test.engine.SetGlobal("key", key);
  CHECK_REACH(test, objects, "root", "root", "root", "3", "4");
}

TEST(NoGraphWhileCodeIsOnTheStack) {
  References test;
  int called = 0;
  test.on_host = [&] {
    ++called;
    CHECK(!test.Trace({test.instance}).has_value());
  };
  CHECK_EQ(test.engine.Call(test.instance, "run"), kNothing);
  test.engine.SetGlobal("host", test.host);
  CHECK_EQ(test.engine.Evaluate("host()"), kNothing);
  CHECK_EQ(called, 2);
  CHECK(test.Trace({test.instance}).has_value());
}

// More than any stack would hold, one within the other, and without a
// component for each of them.
TEST(LongLists) {
  References test;
  v8::Local<v8::Object> list = test.Make(
      "list", test.engine.Export(test.instance, "run"), test.Number(300'000));
  CHECK_REACH(test, (Objects{list, test.instance, test.host}), "012", "12",
              "2");
  const auto graph = test.Trace({list, test.host});
  CHECK_EQ(graph->component_count, 3u);
  CHECK_EQ(graph->edges.size(), size_t{1});
}
