// What both.cpp asserts of a core's own types and those of the namespace `ours`.
#pragma once

template <class Type, class Result, class... Arguments>
struct Method {
  typedef Result (Type::*Pointer)(Arguments...);
};

// Each has a method of this name, result and arguments.
#define SAME_METHOD(type, name, ...)                                                      \
  static_assert(sizeof(static_cast<Method<type, __VA_ARGS__>::Pointer>(&type::name)) ==    \
                    sizeof(static_cast<Method<ours::type, __VA_ARGS__>::Pointer>(          \
                        &ours::type::name)),                                              \
                #type "::" #name);

#define SAME_FIELD(type, name)                                                 \
  static_assert(offsetof(type, name) == offsetof(ours::type, name) &&          \
                    sizeof(type::name) == sizeof(ours::type::name),            \
                #type "::" #name);

#define SAME_VALUE(name) static_assert(int(name) == int(ours::name), #name);

#define TEXT_OF(text) #text
#define SAME_MACRO(name, text) static_assert(__builtin_strcmp(SAME_MACRO_TEXT(name), text) == 0, #name);
#define SAME_MACRO_TEXT(name) TEXT_OF(name)
