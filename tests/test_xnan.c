#include <criterion/criterion.h>
Test(xnan, stub) {}
