# Heat flux of a silicon in equilibrium, at constant energy: flux.txt holds the potential and the convective part together
# (columns 2 to 4) and the convective part (5 to 7) in eV A/ps; divided by the volume it is the flux. conductivity.py runs
# it; by hand:
#   grapevine lammps -np 2 -in in.flux -var data relaxed.data -var temperature 1000

variable model        index ../../models/silicon.safetensors
variable precision    index mixed
variable data         index relaxed.data
variable temperature  index 300      # K
variable timestep     index 0.002    # ps
variable hold         index 5000     # steps at ${temperature}
variable measure      index 500000   # steps at constant energy
# Silicon vibrates at 16 THz at most and its flux at twice as many: every 20 fs nothing of that looks slow.
variable every        index 10       # steps between two fluxes
variable report       index 1000     # steps between two lines of thermodynamics
variable seed         index 51966

units           metal
atom_style      atomic
boundary        p p p
read_data       ${data}

pair_style      grapevine ${precision}
pair_coeff      * * ${model} Si

neighbor        1.0 bin
neigh_modify    every 1 delay 0 check yes

compute         flux all heat/flux/grapevine reference no
variable        time equal time
variable        temp equal temp
variable        potential equal pe
variable        total equal etotal
variable        pressure equal press

thermo_style    custom step time temp pe etotal press
thermo          ${report}
thermo_modify   flush yes
timestep        ${timestep}

variable        phase string nvt
fix             output all print $(10*v_every) "${phase},${time},${temp},${potential},${total},${pressure}" &
                file thermo.csv screen no title "phase,time,temperature,potential,total,pressure"
fix             motion all nve
fix             bath all temp/csvr ${temperature} ${temperature} 0.1 ${seed}
run             ${hold}
unfix           bath

variable        phase string nve
velocity        all zero linear
fix             series all ave/time ${every} 1 ${every} c_flux[*] format " %.9g" file flux.txt
run             ${measure}
