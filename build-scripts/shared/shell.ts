import { $ } from 'zx'

// The output of tools is read, or shown if they fail. It never goes straight to the terminal.
$.quiet = true

export { $ }
