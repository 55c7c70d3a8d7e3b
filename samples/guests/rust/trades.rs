//! Turnover, range and distribution of trades: an ordinary program in Rust. The columns are two
//! files that the host has mapped: prices (f64) and volumes (u32), read in lockstep.

use rawmem::Window;
use std::collections::HashMap;

const BUCKETS: usize = 8;
// The columns of a block fill whole pages of the system, which node-rewire maps.
const BLOCK: usize = 1 << 17;

/// For the host, which finds it by the exported address of `result`.
#[repr(C)]
pub struct Summary {
    turnover: f64,
    lowest: f64,
    highest: f64,
    trades: u64,
    volume: u64,
    histogram: [u64; BUCKETS],
}

#[no_mangle]
#[allow(non_upper_case_globals)]
pub static mut result: Summary = Summary {
    turnover: 0.0,
    lowest: f64::INFINITY,
    highest: f64::NEG_INFINITY,
    trades: 0,
    volume: 0,
    histogram: [0; BUCKETS],
};

fn summarize(prices: &mut Window, volumes: &mut Window, by_price: &mut HashMap<u32, u64>) -> Summary {
    let (mut turnover, mut lowest, mut highest) = (0.0, f64::INFINITY, f64::NEG_INFINITY);
    let (mut trades, mut volume_sum) = (0, 0);
    let mut histogram = [0; BUCKETS];
    loop {
        let price_block = prices.map::<f64>(trades, BLOCK);
        let volume_block = volumes.map::<u32>(trades, BLOCK);
        assert_eq!(price_block.len(), volume_block.len());
        if price_block.is_empty() {
            return Summary { turnover, lowest, highest, trades, volume: volume_sum, histogram };
        }
        for (&price, &volume) in price_block.iter().zip(volume_block) {
            turnover += price * f64::from(volume);
            volume_sum += u64::from(volume);
            lowest = f64::min(lowest, price);
            highest = f64::max(highest, price);
            histogram[(price as usize / 8).min(BUCKETS - 1)] += 1;
            *by_price.entry(price as u32).or_insert(0) += u64::from(volume);
        }
        trades += price_block.len() as u64;
    }
}

fn main() {
    let (mut prices, mut volumes) = (Window::open(0), Window::open(1));
    if prices.size() / 8 != volumes.size() / 4 {
        eprintln!("the columns differ in length");
        std::process::exit(2);
    }
    let mut by_price = HashMap::new();
    let summary = summarize(&mut prices, &mut volumes, &mut by_price);

    let mut ranking: Vec<_> = by_price.into_iter().collect();
    ranking.sort_by_key(|&(price, volume)| (std::cmp::Reverse(volume), price));
    let busiest = ranking.first().map_or(0, |&(price, _)| price);
    println!("{}", std::env::args().nth(1).unwrap_or_else(|| "trades".to_string()));
    println!(
        "{} trades, volume {}, turnover {:.0}",
        summary.trades, summary.volume, summary.turnover
    );
    println!(
        "price {:.0} to {:.0}, busiest at {}",
        summary.lowest.floor(),
        summary.highest.ceil(),
        busiest
    );
    for (i, count) in summary.histogram.iter().enumerate() {
        println!("{:2}: {}", 8 * i, count);
    }
    unsafe { result = summary };
}
