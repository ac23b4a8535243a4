// Names of the instruction set that a source is compiled for.
//
// All code of the loops is in an anonymous namespace, except for their tables: the linker keeps one of several inline
// functions of the same name, and one compiled for AVX2 would crash processors without it. For the same reason the
// loops use no function templates of the standard library that may not be inlined.
#pragma once

#ifndef INSTRUCTION_SET
#error "INSTRUCTION_SET is not defined: see CMakeLists.txt"
#endif

#define LANDBRIDGE_TEXT_(name) #name
#define LANDBRIDGE_TEXT(name) LANDBRIDGE_TEXT_(name)
