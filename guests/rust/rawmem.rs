//! Host windows of v8-rawmem, for Rust. docs/guests.md in the package has whole programs.
//!
//! A window shows a part of a region of the host's memory, such as a mapped file, as a slice.
//! Nothing is copied. There are eight windows, 0 to 7. A slice ends where the next call of
//! [`Window::next`] or [`Window::map`] for its window begins; the compiler sees to it.
//!
//! ```
//! let mut prices = rawmem::Window::open(0);
//! let mut total = 0.0;
//! while let Some(chunk) = prices.next::<f64>() {
//!     total += chunk.iter().sum::<f64>();
//! }
//! ```
#![no_std]

use core::mem::size_of;
use core::slice;
use core::sync::atomic::{AtomicBool, Ordering};

/// How many windows there are.
pub const WINDOWS: usize = 8;

mod import {
    #[link(wasm_import_module = "rawmem")]
    extern "C" {
        pub fn next(window: i32, consumed: i32) -> i32;
        pub fn map(window: i32, offset: i64, length: i32) -> i32;
        pub fn size(window: i32) -> i64;
        pub fn progress(window: i32, position: i64);
    }
}

/// Types of records in a region.
///
/// # Safety
/// All patterns of bits must be values of the type: numbers are such types, and structs with
/// `#[repr(C)]` whose fields are; `bool`, `char`, references and most enums are not.
pub unsafe trait Record: Copy + 'static {}

macro_rules! records {
    ($($number:ty)*) => { $(unsafe impl Record for $number {})* };
}
records!(u8 i8 u16 i16 u32 i32 u64 i64 u128 i128 f32 f64);
unsafe impl<T: Record, const N: usize> Record for [T; N] {}

/// One of the windows.
pub struct Window {
    number: i32,
    /// Bytes of the last chunk of [`Window::next`] that were given out; -1 before there is one.
    consumed: i32,
}

#[allow(clippy::declare_interior_mutable_const)]
const CLOSED: AtomicBool = AtomicBool::new(false);
static OPEN: [AtomicBool; WINDOWS] = [CLOSED; WINDOWS];

impl Window {
    /// Window `number`. It is free again once it is dropped.
    ///
    /// # Panics
    /// If there is no such window, or it is open: two could change what the other's slice shows.
    pub fn open(number: usize) -> Window {
        assert!(number < WINDOWS, "rawmem: there is no window {}; they are 0 to 7", number);
        let was_open = OPEN[number].swap(true, Ordering::Relaxed);
        assert!(!was_open, "rawmem: window {} is open already", number);
        Window { number: number as i32, consumed: -1 }
    }

    /// The next chunk of the region; `None` at its end. A record that the end of a chunk cuts comes
    /// whole in the next one.
    ///
    /// # Panics
    /// If the region ends in the middle of a record.
    #[allow(clippy::should_implement_trait)]
    pub fn next<T: Record>(&mut self) -> Option<&[T]> {
        let length = unsafe { import::next(self.number, self.consumed) } as u32 as usize;
        // A chunk may have 2 GiB, which is a byte too many for a slice. The rest comes next.
        let count = length.min(isize::MAX as usize) / size_of::<T>();
        assert!(
            length == 0 || count > 0,
            "rawmem: the {} bytes at the end of window {} are less than a record of {} bytes",
            length,
            self.number,
            size_of::<T>(),
        );
        self.consumed = (count * size_of::<T>()) as i32;
        if count == 0 {
            return None;
        }
        Some(self.records(count))
    }

    /// `count` records from record `first` on; fewer where the region ends. For access in any
    /// order, and for columns that are read in lockstep. [`Window::next`] goes on where it was.
    ///
    /// # Panics
    /// If the records are 2 GiB or longer.
    pub fn map<T: Record>(&mut self, first: u64, count: usize) -> &[T] {
        let size = size_of::<T>();
        let length = count.checked_mul(size).filter(|&length| length <= isize::MAX as usize);
        let wanted = length.expect("rawmem: a slice is shorter than 2 GiB");
        let offset = (first as i64).wrapping_mul(size as i64);
        let length = unsafe { import::map(self.number, offset, wanted as i32) } as u32 as usize;
        self.records(length / size)
    }

    /// The bytes of the region.
    pub fn size(&self) -> u64 {
        unsafe { import::size(self.number) as u64 }
    }

    /// Says that the program is done with the first `position` bytes of the region, for who
    /// watches it. It changes nothing else. Some hundred calls in a run are enough.
    ///
    /// # Panics
    /// The call traps if `position` lies beyond the region.
    pub fn progress(&self, position: u64) {
        unsafe { import::progress(self.number, position as i64) }
    }

    /// The first `count` records of what the window shows.
    fn records<T: Record>(&self, count: usize) -> &[T] {
        if count == 0 {
            return &[];
        }
        // Windows begin at multiples of 256 MiB: aligned for every type.
        let address = 0x8000_0000_u32 + ((self.number as u32) << 28);
        unsafe { slice::from_raw_parts(address as usize as *const T, count) }
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        OPEN[self.number as usize].store(false, Ordering::Relaxed);
    }
}
