import { $ } from 'zx'

// What a tool writes is read, or told when it fails; nothing of it goes to the terminal by itself.
$.quiet = true

export { $ }
