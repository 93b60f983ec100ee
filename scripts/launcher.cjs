#!/usr/bin/env node
'use strict';
// Starts the bundle beside this file, with the code that the build has compiled where this Node can use it.
const fs = require('node:fs');
const path = require('node:path');
const vm = require('node:vm');

const file = path.join(__dirname, 'csync2.cjs');
const compiled = path.join(__dirname, `csync2-${process.version}-${process.arch}.code`);

/** Undefined when there is none, as for every Node but that of the build. */
function readIfThere(name) {
  try {
    return fs.readFileSync(name);
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

// The bundle is all ASCII, and this is the cheapest way to make a string of bytes.
const script = new vm.Script(fs.readFileSync(file, 'latin1'), { filename: file, cachedData: readIfThere(compiled) });
script.runInThisContext()(require, file);
