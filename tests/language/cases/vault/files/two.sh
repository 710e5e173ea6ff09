#!/bin/sh
echo zwei-2-two
