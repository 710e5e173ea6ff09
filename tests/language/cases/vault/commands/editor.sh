#!/bin/sh
echo edited >> "$1"
