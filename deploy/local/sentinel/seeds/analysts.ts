/** The people on shift, as owners of incidents. */
export const maraLindqvist = {
  objectId: '6d1f0b52-97ae-4c55-8f0e-2b4a9e7d1c01',
  email: 'mara.lindqvist@nordwerk.example',
  assignedTo: 'Mara Lindqvist',
}

export const tomaszWrona = {
  objectId: 'b83a6c14-05d9-4e7b-9a3c-61f8d20e4c02',
  email: 'tomasz.wrona@nordwerk.example',
  assignedTo: 'Tomasz Wrona',
}
